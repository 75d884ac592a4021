//! Invented names in the scripts people of the region write them in.

use super::dice::Dice;
use super::model::{Name, Sex};

/// Whose naming customs a person follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    Han,
    Uyghur,
    Kazakh,
    Russian,
    English,
}

impl People {
    /// BCP 47 of the language spoken at home.
    pub const fn language(self) -> &'static str {
        match self {
            Self::Han => "zh-CN",
            Self::Uyghur => "ug",
            Self::Kazakh => "kk",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }
}

type Pair = (&'static str, &'static str);

#[rustfmt::skip]
const HAN_FAMILY: &[Pair] = &[
    ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"), ("赵", "Zhao"),
    ("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"), ("马", "Ma"), ("朱", "Zhu"),
    ("胡", "Hu"), ("林", "Lin"), ("郭", "Guo"), ("何", "He"), ("高", "Gao"), ("罗", "Luo"), ("梁", "Liang"),
    ("宋", "Song"), ("郑", "Zheng"), ("谢", "Xie"),
];
#[rustfmt::skip]
const HAN_MEN: &[Pair] = &[
    ("建国", "Jianguo"), ("国强", "Guoqiang"), ("志明", "Zhiming"), ("永福", "Yongfu"), ("文斌", "Wenbin"),
    ("海涛", "Haitao"), ("晓东", "Xiaodong"), ("立新", "Lixin"), ("子轩", "Zixuan"), ("浩然", "Haoran"),
    ("德胜", "Desheng"), ("金山", "Jinshan"), ("学军", "Xuejun"), ("振华", "Zhenhua"), ("保平", "Baoping"),
    ("明远", "Mingyuan"), ("长河", "Changhe"), ("光耀", "Guangyao"),
];
#[rustfmt::skip]
const HAN_WOMEN: &[Pair] = &[
    ("淑芬", "Shufen"), ("玉兰", "Yulan"), ("秀英", "Xiuying"), ("桂珍", "Guizhen"), ("丽华", "Lihua"), ("雪梅", "Xuemei"),
    ("婷婷", "Tingting"), ("欣怡", "Xinyi"), ("春燕", "Chunyan"), ("红霞", "Hongxia"), ("慧敏", "Huimin"),
    ("月琴", "Yueqin"), ("凤英", "Fengying"), ("雅静", "Yajing"), ("素珍", "Suzhen"), ("晓燕", "Xiaoyan"),
    ("海棠", "Haitang"), ("兰芝", "Lanzhi"),
];
#[rustfmt::skip]
const UYGHUR_MEN: &[Pair] = &[
    ("ئالىمجان", "Alimjan"), ("تۇرسۇن", "Tursun"), ("مەمەت", "Memet"), ("ئابلەت", "Ablet"),
    ("تۇرغۇن", "Turghun"), ("ئابلىز", "Abliz"), ("ھەبىبۇللا", "Hebibulla"), ("ياسىن", "Yasin"),
    ("نۇرمۇھەممەت", "Nurmuhemmet"), ("سادىق", "Sadiq"), ("قادىر", "Qadir"), ("روزى", "Rozi"),
    ("ئەخمەت", "Ehmet"), ("ئەكبەر", "Ekber"), ("پولات", "Polat"), ("كېرىم", "Kerim"), ("ئىسمائىل", "Ismayil"),
    ("ئۆمەر", "Ömer"), ("يۈسۈپ", "Yüsüp"), ("ئوسمان", "Osman"), ("ھاشىم", "Hashim"), ("غوپۇر", "Ghopur"),
    ("ئىمىن", "Imin"), ("سابىت", "Sabit"), ("دىلشات", "Dilshat"), ("باتۇر", "Batur"), ("ئەركىن", "Erkin"),
    ("شۆھرەت", "Shöhret"),
];
#[rustfmt::skip]
const UYGHUR_WOMEN: &[Pair] = &[
    ("پاتىگۈل", "Patigul"), ("ئاينۇر", "Aynur"), ("مېھرىگۈل", "Mihrigul"), ("گۈلنار", "Gulnar"),
    ("زۇلپىيە", "Zulpiye"), ("رەيھان", "Reyhan"), ("ئادالەت", "Adalet"), ("رىزۋانگۈل", "Rizwangul"),
    ("تۇرسۇناي", "Tursunay"), ("ھاۋاگۈل", "Hawagul"), ("ئامىنە", "Amine"), ("بۇخەلچەم", "Buhelchem"),
    ("نۇربىيە", "Nurbiye"), ("زەينەپ", "Zeynep"), ("خالىدە", "Halide"), ("پەرىزات", "Perizat"),
    ("سەنەم", "Senem"), ("مۇنەۋۋەر", "Munewwer"),
];
#[rustfmt::skip]
const KAZAKH_MEN: &[Pair] = &[
    ("Нұрлан", "Nurlan"), ("Ерлан", "Yerlan"), ("Қайрат", "Qairat"), ("Серік", "Serik"), ("Бекзат", "Bekzat"),
    ("Айдос", "Aidos"), ("Дәурен", "Dauren"), ("Мұрат", "Murat"), ("Асқар", "Asqar"), ("Жандос", "Zhandos"),
    ("Болат", "Bolat"), ("Ғалым", "Galym"),
];
#[rustfmt::skip]
const KAZAKH_WOMEN: &[Pair] = &[
    ("Айгүл", "Aigul"), ("Гүлмира", "Gulmira"), ("Сәуле", "Saule"), ("Динара", "Dinara"), ("Айжан", "Aizhan"),
    ("Мәдина", "Madina"), ("Ботагөз", "Botagoz"), ("Жанар", "Zhanar"), ("Құралай", "Quralai"), ("Әсел", "Asel"),
];
/// Masculine forms; the feminine adds `а`, `a`.
#[rustfmt::skip]
const KAZAKH_FAMILY: &[Pair] = &[
    ("Ермеков", "Yermekov"), ("Сейітов", "Seitov"), ("Омаров", "Omarov"), ("Әбдіров", "Abdirov"),
    ("Жұмабаев", "Zhumabayev"), ("Қасымов", "Qasymov"), ("Тілеуов", "Tileuov"), ("Оспанов", "Ospanov"),
];
const RUSSIAN_MEN: &[Pair] = &[
    ("Сергей", "Sergei"),
    ("Виктор", "Viktor"),
    ("Павел", "Pavel"),
    ("Андрей", "Andrei"),
    ("Николай", "Nikolai"),
];
const RUSSIAN_WOMEN: &[Pair] = &[
    ("Раиса", "Raisa"),
    ("Елена", "Elena"),
    ("Ольга", "Olga"),
    ("Тамара", "Tamara"),
    ("Вера", "Vera"),
];
const RUSSIAN_FAMILY: &[Pair] = &[
    ("Игнатьев", "Ignatyev"),
    ("Соколов", "Sokolov"),
    ("Лебедев", "Lebedev"),
    ("Орлов", "Orlov"),
    ("Фомин", "Fomin"),
];
const ENGLISH_MEN: &[&str] = &["Edmund", "Harold", "Callum", "Rhys", "Desmond"];
const ENGLISH_WOMEN: &[&str] = &["Maud", "Edith", "Harriet", "Nerys", "Imogen"];
const ENGLISH_FAMILY: &[&str] = &["Thackery", "Aldous", "Pennington", "Garside", "Lowther"];

/// A name after the customs of `people`.
pub fn name(people: People, sex: Sex, dice: &mut Dice) -> Name {
    let woman = sex == Sex::Female;
    let built = |family: Pair, given: Pair, family_first: bool| Name {
        native_family: family.0.into(),
        native_given: given.0.into(),
        latin_family: family.1.into(),
        latin_given: given.1.into(),
        family_first,
    };
    match people {
        People::Han => {
            let given = *dice.pick(if woman { HAN_WOMEN } else { HAN_MEN });
            built(*dice.pick(HAN_FAMILY), given, true)
        }
        // A Uyghur's second name is the father's given name.
        People::Uyghur => {
            let given = *dice.pick(if woman { UYGHUR_WOMEN } else { UYGHUR_MEN });
            let father = loop {
                let father = *dice.pick(UYGHUR_MEN);
                if father != given {
                    break father;
                }
            };
            built(father, given, false)
        }
        People::Kazakh => {
            let given = *dice.pick(if woman { KAZAKH_WOMEN } else { KAZAKH_MEN });
            feminine(built(*dice.pick(KAZAKH_FAMILY), given, false), woman)
        }
        People::Russian => {
            let given = *dice.pick(if woman { RUSSIAN_WOMEN } else { RUSSIAN_MEN });
            feminine(built(*dice.pick(RUSSIAN_FAMILY), given, false), woman)
        }
        People::English => {
            let given = *dice.pick(if woman { ENGLISH_WOMEN } else { ENGLISH_MEN });
            let family = *dice.pick(ENGLISH_FAMILY);
            built((family, family), (given, given), false)
        }
    }
}

fn feminine(mut name: Name, woman: bool) -> Name {
    if woman {
        name.native_family.push('а');
        name.latin_family.push('a');
    }
    name
}
