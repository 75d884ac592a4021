//! `/styleguide`: every component in each state. Sample people and hospitals are invented; the samples are data,
//! so they stand here in both languages instead of in the Fluent files.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::components::basic::{Tab, dialog, progress, tabs, toast};
use crate::components::form::{Choice, Choices, Errors, Field, check, files};
use crate::components::icon::{alarm_icon, names};
use crate::components::list::{Column, Filter, Pager, filters, table};
use crate::components::plot::Series;
use crate::components::record::{Entry, Line, Message, Step, stepper, thread, timeline};
use crate::components::{
    Banner, Deadline, Identifier, Kind, Permitted, avatar, chip, clock, crumbs, facts, icon, note,
    org, org_named, permit, state, urgency,
};
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get};
use crate::shell::{Shell, look_form};
use crate::show::Show;
use crate::words::Lang;

pub fn routes() -> Vec<RouteSpec> {
    vec![get("/styleguide", Who::Anyone, guide)]
}

/// Chooses the sample in the reader's language.
#[derive(Clone, Copy)]
struct Sample(Lang);

impl Sample {
    const fn of(self, en: &'static str, zh: &'static str) -> &'static str {
        match self.0 {
            Lang::En => en,
            Lang::ZhCn => zh,
        }
    }
}

async fn guide(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let s = Sample(cx.look.lang);
    let show = Show::new(
        cx.words(),
        jiff::tz::TimeZone::get("Asia/Shanghai").unwrap_or(jiff::tz::TimeZone::UTC),
        state.app.now(),
    );
    let title = s.of("Style guide", "样式指南");
    let sections: [(&str, &str, Markup); 10] = [
        (
            "priority",
            s.of("Priority and clocks", "优先级与时钟"),
            priority(&show),
        ),
        ("states", s.of("States", "状态"), states(s, &show)),
        (
            "buttons",
            s.of("Buttons and chips", "按钮与标签"),
            buttons(s),
        ),
        (
            "people",
            s.of("People and permission", "人员与许可"),
            people(s, &show),
        ),
        ("fields", s.of("Fields", "表单"), fields(s, &show)),
        ("lists", s.of("Lists", "列表"), lists(s, &show)),
        (
            "record",
            s.of("Record, thread, steps", "病历、消息、步骤"),
            record(s, &show),
        ),
        (
            "numbers",
            s.of("Numbers and plots", "数值与图"),
            numbers(s, &show),
        ),
        (
            "talking",
            s.of("Notes, dialogs, messages", "提示与对话框"),
            talking(s),
        ),
        ("icons", s.of("Icons and colours", "图标与颜色"), icons()),
    ];
    let main = html! {
        div class="head" { div { h1 { (title) } p class="soft" { (s.of("Every part, in each of its states. Change language, theme and contrast here.", "每个组件及其各种状态。可在此切换语言、主题与对比度。")) } } div class="card guide-look" { (look_form(&cx)) } }
        nav class="tabs" aria-label=(title) { @for (id, name, _) in &sections { a href={ "#" (id) } { (name) } } }
        @for (id, name, body) in &sections {
            section class="stack tightly" id=(id) aria-labelledby={ (id) "-h" } { h2 id={ (id) "-h" } { (name) } (body) }
        }
    };
    Ok(Shell::new(&cx, title).class("page guide").draw(&main))
}

fn both(body: &Markup) -> Markup {
    html! { div class="grounds" { div class="ground light" { (body) } div class="ground dark" aria-hidden="true" inert { (body) } } }
}

fn priority(show: &Show) -> Markup {
    let w = &show.words;
    let at = |elapsed_min: i64, whole_h: i64| Deadline {
        started: show.now - SignedDuration::from_mins(elapsed_min),
        due: show.now - SignedDuration::from_mins(elapsed_min)
            + SignedDuration::from_hours(whole_h),
        paused: None,
        stopped: None,
    };
    let running = at(62, 4);
    both(&html! {
        div class="row" { @for u in ["emergency", "urgent", "soon", "routine"] { (urgency(w, u)) } }
        div class="row" {
            (clock(show, &running, false)) (clock(show, &at(182, 4), true)) (clock(show, &at(218, 4), false)) (clock(show, &at(244, 4), false))
            (clock(show, &Deadline { paused: Some(show.now), ..at(120, 4) }, false))
            (clock(show, &Deadline { stopped: Some(show.now), ..running }, false))
            (clock(show, &Deadline { stopped: Some(show.now), ..at(300, 4) }, false))
        }
    })
}

fn states(s: Sample, show: &Show) -> Markup {
    let w = &show.words;
    html! { div class="deck" {
        section class="card" { (state::empty("inbox", s.of("No case is waiting", "没有等待的病例"), s.of("The last was answered at 14:12.", "上一例于14:12答复。"), Some(("#states", s.of("Answered today", "今日已答复"))))) }
        section class="card" { (state::loading(w, s.of("Asking 5 hospitals, 3 have answered", "正在询问5家医院，3家已应答"), 3, 5)) }
        section class="card" { (state::failed(s.of("Aqtash did not answer", "阿克塔什没有应答"), s.of("Nothing was lost. Your text is kept here.", "没有丢失任何内容。您的文字保存在此。"), html! { button class="btn" { (icon("turn")) (s.of("Try again", "重试")) } })) }
        section class="card" { (state::too_many(w, s.of("2 340 patients match. Add a year of birth or a number.", "有2340位患者符合。请补充出生年份或编号。"))) }
    } }
}

fn buttons(s: Sample) -> Markup {
    both(&html! {
        div class="row" {
            button class="btn primary" { (s.of("Give case", "分派病例")) } button class="btn" { (s.of("Ask", "询问")) }
            button class="btn quiet" { (s.of("Later", "稍后")) } button class="btn danger" { (s.of("End…", "终止…")) }
            button class="btn" disabled { (s.of("Sign", "签署")) } button class="btn" aria-pressed="true" { (s.of("Grid", "网格")) }
            button class="btn" aria-busy="true" { (icon("turn")) (s.of("Sending", "正在发送")) }
            button class="btn icon" aria-label=(s.of("Search", "搜索")) { (icon("search")) }
        }
        div class="row" {
            (chip(Kind::Ok, s.of("Complete", "完整"))) (chip(Kind::Warn, "5/7")) (chip(Kind::Stop, s.of("No consent", "未同意"))) (chip(Kind::Plain, s.of("Nobody yet", "尚无人")))
            (org("YQ", s.of("Yarqum County Hospital", "亚尔库姆县人民医院"))) (org_named("QR", s.of("Qumtagh Regional Medical Centre", "库木塔格地区医疗中心")))
            (avatar("Gulnar Ehmet")) (avatar("王建国"))
        }
    })
}

fn people(s: Sample, show: &Show) -> Markup {
    let banner = Banner {
        heading: s.of("Patigul Memet", "帕提古丽·买买提").into(),
        others: vec!["پاتىگۈل مەمەت".into()],
        born: Some("1968-03-14".into()),
        sex: Some("female".into()),
        identifiers: vec![Identifier {
            label: s.of("Yarqum number", "亚尔库姆编号").into(),
            value: "YQ-0048213".into(),
        }],
        allergies: Some(vec![(
            s.of("Penicillin", "青霉素").into(),
            s.of("rash, 2014", "皮疹，2014").into(),
        )]),
        language: Some(s.of("Uyghur", "维吾尔语").into()),
        ..Banner::default()
    };
    let hidden = Banner {
        heading: "K-26-11873".into(),
        born: Some("1968".into()),
        sex: Some("female".into()),
        allergies: Some(Vec::new()),
        pseudonym: true,
        ..Banner::default()
    };
    let yes = Permitted {
        allowed: true,
        sentence: s.of("You may read this record and sign an opinion under agreement QS-2026-014, clause 3, with the patient’s consent of 19 November.", "依据协议 QS-2026-014 第3条及患者11月19日的同意，您可阅读本病历并签署意见。").into(),
        reasons: vec![(s.of("Not permitted", "不允许").into(), s.of("Prescribing; reading psychiatry", "开具处方；阅读精神科记录").into())],
        agreement: Some("#people".into()),
    };
    let no = Permitted {
        allowed: false,
        sentence: s
            .of(
                "You may not read this record: the consent was withdrawn today.",
                "您不可阅读本病历：知情同意已于今日撤回。",
            )
            .into(),
        agreement: None,
        ..yes.clone()
    };
    let drawn = |b: &Banner| html! { div class="card clip" { (b.draw_as(show, 3)) } };
    html! { (drawn(&banner)) (drawn(&hidden)) div class="card clip" { (permit(&show.words, &yes)) } div class="card clip" { (permit(&show.words, &no)) } }
}

fn fields(s: Sample, show: &Show) -> Markup {
    let w = &show.words;
    let mut errors = Errors::default();
    errors.add("guide-lang", s.of("Choose a language", "请选择语言"));
    errors.add(
        "guide-how",
        s.of("Say how the patient agreed", "请说明患者如何同意"),
    );
    let none = Errors::default();
    html! { div class="cols half" {
        div class="stack" {
            (errors.summary(w))
            (Field::new("guide-q", s.of("What do you want to know?", "您想知道什么？")).hint(s.of("One question, as you would ask it on the telephone.", "一个问题，像打电话那样问。")).value(s.of("Biopsy now, or treat for TB first?", "现在活检，还是先抗结核？")).area(2))
            (Field::new("guide-lang", s.of("Language it was explained in", "解释所用语言")).errors(&errors).select(&[("", s.of("Choose", "请选择")), ("ug", "ئۇيغۇرچە"), ("zh", "中文")]))
            (Choices { name: "guide-how", legend: s.of("How did the patient agree?", "患者如何同意？").into(), hint: None, chosen: &[], many: false, framed: false }.draw(&errors, &[Choice::new("paper", s.of("By signature on paper", "纸质签字")), Choice::new("aloud", s.of("Aloud, with a witness", "口头，有见证人")).note(s.of("Give the witness’s name", "请写见证人姓名"))]))
        }
        div class="stack" {
            (Choices { name: "guide-u", legend: s.of("How soon must someone answer?", "需要多快答复？").into(), hint: None, chosen: &["urgent".to_owned()], many: false, framed: true }.draw(&none, &[Choice::new("urgent", urgency(w, "urgent")).note(s.of("A decision is waiting today.", "今日需作决定。")), Choice::new("routine", urgency(w, "routine"))]))
            (check("guide-ok", s.of("I have read this to the patient", "我已向患者宣读"), true, &none))
            (files("guide-files", s.of("Drop documents here, or choose them", "将文件拖到此处，或选择文件"), s.of("PDF and images, up to 64 MB each.", "PDF与图像，每个不超过64 MB。"), "application/pdf,image/*", true, &none))
            (progress(318, 902, s.of("Slide 2, uploading", "切片2，正在上传")))
        }
    } }
}

fn lists(s: Sample, show: &Show) -> Markup {
    let w = &show.words;
    let rows = [
        (
            "emergency",
            "Sergei Ignatyev",
            s.of(
                "Sudden right weakness, CT done: thrombolysis?",
                "突发右侧无力，已行CT：是否溶栓？",
            ),
            4i64,
            1i64,
        ),
        (
            "urgent",
            "张淑芬",
            s.of(
                "ST depression, troponin rising: transfer today?",
                "ST段压低，肌钙蛋白升高：今日转院？",
            ),
            60,
            4,
        ),
        (
            "routine",
            "Ғалым Ермеков",
            s.of(
                "Uncontrolled hypertension on four drugs",
                "四药联用血压仍不达标",
            ),
            900,
            96,
        ),
    ];
    let columns = [
        Column::new(s.of("Urgency", "紧急程度")),
        Column::new(s.of("Time left", "剩余时间")),
        Column::new(s.of("Patient and question", "患者与问题")),
        Column::new(s.of("From", "来自")),
        Column::number(s.of("Age", "已等待")),
    ];
    let body = html! { @for (u, name, q, minutes, hours) in rows {
        @let started = show.now - SignedDuration::from_mins(minutes);
        tr data-on[u == "urgent"] {
            td { (urgency(w, u)) }
            td { (clock(show, &Deadline { started, due: started + SignedDuration::from_hours(hours), paused: None, stopped: None }, false)) }
            td class="main" { a href="#lists" { bdi { (name) } } br; (q) }
            td { (org("YQ", s.of("Yarqum County Hospital", "亚尔库姆县人民医院"))) }
            td class="num soft" { (show.span(SignedDuration::from_mins(minutes))) }
        }
    } };
    let views = [
        Tab {
            href: "#lists".into(),
            text: s.of("Open", "未完成").into(),
            count: Some(47),
            on: true,
        },
        Tab {
            href: "#lists".into(),
            text: s.of("Overdue", "超时").into(),
            count: Some(1),
            on: false,
        },
    ];
    html! {
        (crumbs(w, &[(s.of("My patients", "我的患者"), Some("#lists")), (s.of("New case", "新病例"), None)]))
        (tabs(s.of("Views", "视图"), &views))
        (filters(w, "/styleguide", &[Filter { name: "u", label: s.of("Urgency", "紧急程度").into(), options: vec![(String::new(), s.of("Any urgency", "全部").into()), ("urgent".into(), w.word("urgency", "urgent"))], value: "" }], &[], s.of("3 of 47 shown", "显示3项，共47项")))
        div class="card" { (table(s.of("Open cases", "未完成病例"), &columns, body)) (Pager { shown: 3, total: Some(47), previous: None, next: Some("#lists".into()) }.draw(show)) }
    }
}

fn record(s: Sample, show: &Show) -> Markup {
    let w = &show.words;
    let yq = || {
        (
            "YQ".to_owned(),
            s.of("Yarqum County Hospital", "亚尔库姆县人民医院")
                .to_owned(),
        )
    };
    let lines = [
        Line::Entry(Entry {
            when: show.day(show.date_of(show.now)),
            title: html! { (s.of("Laboratory", "检验")) },
            body: html! { "CEA " span class="value" { "6.1 µg/L" } " " span class="flag" { (s.of("high", "偏高")) } },
            custodian: Some(yq()),
            ..Entry::default()
        }),
        Line::Gap {
            title: s.of("No answer", "无应答").into(),
            text: s
                .of(
                    "Did not answer at 11:20. Visits from 2024 may be missing.",
                    "11:20未应答，2024年就诊记录可能缺失。",
                )
                .into(),
            custodian: (
                "TG".into(),
                s.of("Toghraq Township", "托格拉克镇卫生院").into(),
            ),
            again: Some(("#record".into(), s.of("Try again", "重试").into())),
        },
        Line::Entry(Entry {
            year: Some("2014".into()),
            when: show.fhir_date("2014-03-02"),
            title: html! { (s.of("Allergy recorded", "登记过敏")) },
            body: html! { (s.of("Penicillin: rash within an hour", "青霉素：一小时内皮疹")) },
            custodian: Some(yq()),
            ..Entry::default()
        }),
    ];
    let said = |who: &str, own, text: &str| Message {
        who: who.into(),
        org: yq(),
        when: show.clock(show.now),
        datetime: show.now.to_string(),
        about: None,
        text: text.into(),
        files: Vec::new(),
        lang: None,
        own,
    };
    let steps: Vec<Step> = [
        (s.of("Question", "问题"), true, false),
        (s.of("Service and partner", "服务与合作医院"), false, true),
        (s.of("Review and send", "核对并发送"), false, false),
    ]
    .into_iter()
    .map(|(t, done, here)| Step {
        href: "#record".into(),
        text: t.into(),
        note: if done {
            s.of("Urgent, 2 sentences", "加急，2句").into()
        } else {
            String::new()
        },
        done,
        here,
    })
    .collect();
    html! { div class="deck" {
        div class="card" { div class="body" { (timeline(&lines)) } }
        div class="card" { (thread(&[said("Alimjan Tursun", false, s.of("She can come once. I would like it to be the same visit.", "她只能来一次，希望同次完成。")), said("Elena Sokolova", true, s.of("Was there any weight loss?", "有体重下降吗？"))])) }
        div { (stepper(w, &steps)) }
    } }
}

fn numbers(s: Sample, show: &Show) -> Markup {
    let series = Series {
        title: s.of("Haemoglobin", "血红蛋白").into(),
        unit: "g/L".into(),
        points: [
            ("2023", 131.0),
            ("2024", 128.0),
            ("2025", 124.5),
            ("2026", 121.0),
        ]
        .map(|(a, b)| (a.to_owned(), b))
        .into(),
        normal: Some((120.0, 155.0)),
    };
    let at: Timestamp = show.now;
    let zone = jiff::tz::TimeZone::get("Asia/Almaty").unwrap_or(jiff::tz::TimeZone::UTC);
    html! { div class="deck" {
        div class="card" { div class="body" { (series.plot(&show.words)) } }
        div class="card" { div class="body" {
            (facts(&[
                (s.of("Spark", "走势").to_owned(), html! { "121 g/L " (series.spark()) }),
                (s.of("Both zones", "双方时间").to_owned(), html! { (show.at_both(at, s.of("Saryözen", "萨雷厄曾"), &zone)) }),
                (s.of("Span", "时长").to_owned(), html! { (show.span(SignedDuration::from_mins(218))) }),
                (s.of("Age", "年龄").to_owned(), html! { (show.age("1968-03-14").unwrap_or_default()) }),
                (s.of("Size", "大小").to_owned(), html! { (show.bytes(318_000_000)) }),
                (s.of("Result", "结果").to_owned(), html! { span class="value" { "6.1 mmol/L" } " " small class="soft" { "110 mg/dL" } }),
            ]))
        } }
    } }
}

fn talking(s: Sample) -> Markup {
    html! { div class="deck" {
        div class="stack tightly" {
            (note(Kind::Ok, s.of("Permitted by agreement QS-2026-014.", "协议 QS-2026-014 许可。"))) (note(Kind::Warn, s.of("One file is still uploading.", "一个文件仍在上传。")))
            (note(Kind::Stop, s.of("Refused: the consent was withdrawn today.", "已拒绝：知情同意今日已撤回。"))) (note(Kind::Plain, s.of("Signed opinions stay valid.", "已签署的意见仍然有效。")))
        }
        div class="stack" {
            (toast(s.of("Given to Dr Sokolova", "已分派给索科洛娃医生"), Some(("#talking", html! { button type="button" { (s.of("Undo", "撤销")) } }))))
            p { button class="btn danger" data-dialog="guide-dialog" { (s.of("Take back…", "撤回…")) } }
            (dialog("guide-dialog", s.of("Take this case back?", "撤回此病例？"), false, html! { p { (s.of("They can no longer read the record. The clock stops. You can send it again.", "对方将无法再阅读病历，时钟停止。您可以重新发送。")) } div class="row" { button class="btn danger" data-close { (s.of("Take back", "撤回")) } button class="btn" data-close { (s.of("Leave it", "保留")) } } }))
        }
        div class="card" { @for (p, text) in [("high", s.of("Heart rate 38, below 45", "心率38，低于45")), ("medium", s.of("Mean pressure 124", "平均压124")), ("low", s.of("Temperature 38.2", "体温38.2"))] { p class="alarm" data-p=(p) { (alarm_icon(p)) (text) } } }
    } }
}

fn icons() -> Markup {
    const COLOURS: [&str; 12] = [
        "canvas", "surface", "sunken", "ink", "ink-2", "ink-3", "line", "accent", "wash", "high",
        "medium", "ok",
    ];
    html! {
        ul class="swatches" { @for c in COLOURS { li { span class={ "swatch c-" (c) } {} code class="xs" { (c) } } } }
        ul class="glyphs" { @for n in names() { li { (icon(n)) code class="xs" { (n) } } } }
        p class="signed prose" lang="en" { "Adenocarcinoma is more likely than tuberculosis." } p class="signed prose" lang="zh-CN" { "腺癌可能性大于结核。" } p class="signed prose" lang="ru" { "Аденокарцинома вероятнее туберкулёза." } p class="signed prose" lang="ug" dir="rtl" { "پاتىگۈل مەمەت" }
    }
}
