//! Looking at one study together: who is here, who leads, what they show, point at and draw. Whoever may read the study may
//! join. Nothing of it is kept but that somebody joined and left; nodes tell each other by short words (`store::Talk`).

mod room;
mod words;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::limits::{TOGETHER_ROOMS_MAX, TOGETHER_SEATS_MAX, TOGETHER_WORDS_PER_S};
use kernel::{AccountId, Instant, RecordKey};
use store::{Batch, ImageAsk, Stored, Talk};
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior};

use room::{Room, SILENT_S};
pub use room::{Seated, Told};
pub use words::{
    Beside, Drawn, Glance, Overlaid, Person, Plane, Pointed, SAYINGS_MAX, Say, Shown, Traces,
};
use words::{Wire, Word};

use crate::audit_entry::{Entry, Verb};
use crate::records::{chains, patient_key};
use crate::{App, AppError, Cx};

/// What a slow page may leave unheard before it is told everything anew.
const BACKLOG: usize = 256;
/// How often a seat asks whether its reader may still look; every fifth time it says that it is there.
const TICK: Duration = Duration::from_secs(1);
const BEACON_TICKS: u32 = 5;

/// The studies that are looked at together on this node.
#[derive(Default)]
pub(crate) struct Rooms {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<String, Open>,
    /// Studies that are looked at on other nodes alone: their seats, and when each was last heard of.
    elsewhere: HashMap<String, HashMap<String, (Person, Instant)>>,
    /// Sayings of an account in the second that began then.
    said: HashMap<AccountId, (Instant, u32)>,
    listening: bool,
}

struct Open {
    room: Room,
    told: broadcast::Sender<Told>,
}

impl Open {
    fn tell(&self, told: Vec<Told>) {
        for one in told {
            let _nobody = self.told.send(one);
        }
    }
}

impl Inner {
    /// A word of a study that nobody of this node looks at with others.
    fn hear_elsewhere(
        &mut self,
        room: String,
        seat: String,
        account: &AccountId,
        word: Word,
        now: Instant,
    ) {
        match word {
            Word::Here { person, .. } if person.account == *account => {
                if self.elsewhere.len() >= TOGETHER_ROOMS_MAX {
                    let heard = |(_, then): &(Person, Instant)| {
                        then.duration_until(now).as_secs() <= SILENT_S
                    };
                    self.elsewhere.retain(|_, seats| seats.values().any(heard));
                }
                if self.elsewhere.len() >= TOGETHER_ROOMS_MAX && !self.elsewhere.contains_key(&room)
                {
                    return;
                }
                let seats = self.elsewhere.entry(room).or_default();
                if seats.len() < TOGETHER_SEATS_MAX || seats.contains_key(&seat) {
                    seats.insert(seat, (person, now));
                }
            }
            Word::Left => {
                if let Some(seats) = self.elsewhere.get_mut(&room) {
                    seats.remove(&seat);
                }
            }
            _ => {}
        }
    }
}

fn room_name(study: &RecordKey) -> String {
    format!("{}/{}", study.hospital, study.id)
}

impl Rooms {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat; gives what there is to know and what comes after it.
    fn sit(
        &self,
        name: &str,
        seat: &str,
        person: Person,
        now: Instant,
    ) -> Result<(Vec<Told>, broadcast::Receiver<Told>), AppError> {
        let mut inner = self.inner();
        if inner.open.len() >= TOGETHER_ROOMS_MAX && !inner.open.contains_key(name) {
            return Err(AppError::TooMuch("studies looked at together"));
        }
        let open = inner.open.entry(name.to_owned()).or_insert_with(|| Open {
            room: Room::default(),
            told: broadcast::Sender::new(BACKLOG),
        });
        if !open.room.has_room() {
            return Err(AppError::TooMuch("people who look at one study together"));
        }
        let told = open.room.here(seat, person, None, true, now);
        open.tell(told);
        Ok((open.room.all(), open.told.subscribe()))
    }

    /// Leaves a seat; an empty room goes.
    fn rise(&self, name: &str, seat: &str) {
        let mut inner = self.inner();
        if let Some(open) = inner.open.get_mut(name) {
            let told = open.room.left(seat);
            open.tell(told);
            if open.room.is_left() {
                inner.open.remove(name);
            }
        }
    }

    fn all(&self, name: &str) -> Vec<Told> {
        self.inner()
            .open
            .get(name)
            .map(|open| open.room.all())
            .unwrap_or_default()
    }

    fn forget_silent(&self, name: &str, now: Instant) {
        if let Some(open) = self.inner().open.get_mut(name) {
            let told = open.room.forget_silent(now);
            open.tell(told);
        }
    }

    /// What this node has to say of its own seats: that they are there, and with `all` what they show.
    fn own(&self, name: &str, seat: Option<&str>, all: bool) -> Vec<Wire> {
        let inner = self.inner();
        let own = inner
            .open
            .get(name)
            .map(|o| o.room.own())
            .unwrap_or_default();
        own.into_iter()
            .filter(|(of, ..)| seat.is_none_or(|s| s == of))
            .flat_map(|(seat, person, lead, said)| {
                let wire = |account: &AccountId, word: Word| Wire {
                    room: name.to_owned(),
                    seat: seat.clone(),
                    account: account.clone(),
                    word,
                };
                let account = person.account.clone();
                let mut wires = vec![wire(&account, Word::Here { person, lead })];
                if all {
                    wires.extend(said.into_iter().map(|s| wire(&account, Word::Said(s))));
                }
                wires
            })
            .collect()
    }

    /// Who looks at a study, on any node.
    fn people(&self, name: &str, now: Instant) -> Vec<Person> {
        let mut inner = self.inner();
        if let Some(open) = inner.open.get(name) {
            return open.room.persons();
        }
        let Some(seats) = inner.elsewhere.get_mut(name) else {
            return Vec::new();
        };
        seats.retain(|_, (_, heard)| heard.duration_until(now).as_secs() <= SILENT_S);
        let people = seats.values().map(|(person, _)| person.clone()).collect();
        if seats.is_empty() {
            inner.elsewhere.remove(name);
        }
        people
    }

    /// Applies a word; gives what is to be said in answer.
    fn hear(&self, wire: Wire, now: Instant) -> Vec<Wire> {
        let Wire {
            room,
            seat,
            account,
            word,
        } = wire;
        let mut answer = None;
        {
            let mut inner = self.inner();
            let Some(open) = inner.open.get_mut(&room) else {
                inner.hear_elsewhere(room, seat, &account, word, now);
                return Vec::new();
            };
            let here = open.room.is_here(&seat);
            let told = match word {
                Word::Here { person, lead } if person.account == account => {
                    open.room.here(&seat, person, lead, false, now)
                }
                Word::Who if !here => {
                    answer = Some(true);
                    Vec::new()
                }
                Word::Here { .. } | Word::Who => Vec::new(),
                _ if !open.room.is_of(&seat, &account) => Vec::new(),
                // A seat here leaves by itself.
                Word::Left if here => Vec::new(),
                Word::Left => open.room.left(&seat),
                // The lead is counted where the seat is, which tells the others.
                Word::Said(Say::Lead(true)) if !here => Vec::new(),
                Word::Said(say) => {
                    if say == Say::Lead(true) {
                        answer = Some(false);
                    }
                    open.room.said(&seat, say)
                }
            };
            open.tell(told);
        }
        match answer {
            None => Vec::new(),
            Some(true) => self.own(&room, None, true),
            Some(false) => self.own(&room, Some(&seat), false),
        }
    }

    /// Refuses an account that says more than the others can be shown.
    fn may_say(&self, account: &AccountId, words: usize, now: Instant) -> Result<(), AppError> {
        let words = u32::try_from(words).unwrap_or(u32::MAX);
        let mut inner = self.inner();
        let second = |then: &Instant| then.duration_until(now).as_secs() == 0;
        if inner.said.len() > TOGETHER_ROOMS_MAX {
            inner.said.retain(|_, (then, _)| second(then));
        }
        let entry = inner.said.entry(account.clone()).or_insert((now, 0));
        if !second(&entry.0) {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(words);
        if entry.1 > TOGETHER_WORDS_PER_S {
            return Err(AppError::RateLimited { retry_after_s: 1 });
        }
        Ok(())
    }
}

fn said(talk: &Talk, wire: &Wire) {
    if let Ok(text) = serde_json::to_string(wire) {
        talk.say(text);
    }
}

/// Why a seat asks whether its reader may still look: every second, since agreements end by the clock too, and at once when
/// a commit changed who may read what.
enum Ask {
    Tick,
    Commit,
}

/// A seat among those who look at a study together. Left when dropped.
pub struct Together {
    app: App,
    cx: Cx,
    study: RecordKey,
    name: String,
    seat: String,
    patient: Option<RecordKey>,
    waiting: VecDeque<Told>,
    told: broadcast::Receiver<Told>,
    commits: watch::Receiver<u64>,
    seen: u64,
    tick: Interval,
    ticks: u32,
    over: bool,
}

impl App {
    /// The study, for one who may read it now and takes part in treating.
    async fn may_look(&self, cx: &Cx, study: &RecordKey) -> Result<Stored, AppError> {
        cx.require_clinical()?;
        if study.kind.as_str() != "ImagingStudy" {
            return Err(AppError::NotFound);
        }
        self.store
            .get(&cx.permit(), study, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)
    }

    /// Joins those who look at a study. Refused to whoever may not read it; audited before anything is told.
    pub async fn look_together(&self, cx: &Cx, study: &RecordKey) -> Result<Together, AppError> {
        let commits = self.watch();
        let seen = *commits.borrow();
        let stored = self.may_look(cx, study).await?;
        let person = Person::of(cx)?;
        self.note_read(
            cx,
            &study.hospital,
            stored.patient.as_ref(),
            std::slice::from_ref(study),
            "study.joined",
        )
        .await?;
        self.listen_to_rooms();
        let name = room_name(study);
        let seat = self.new_id().to_string();
        let (waiting, told) = self.rooms.sit(&name, &seat, person, cx.now)?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let together = Together {
            app: self.clone(),
            cx: cx.clone(),
            study: study.clone(),
            name,
            seat,
            patient: stored.patient.map(|p| patient_key(&study.hospital, &p)),
            waiting: waiting.into(),
            told,
            commits,
            seen,
            tick,
            ticks: 0,
            over: false,
        };
        together.beacon();
        together.say(Word::Who);
        Ok(together)
    }

    /// Who looks at a study together now, for one who may join them; empty when nobody does. Known within seconds where they
    /// sit at another node.
    pub async fn people_together(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Vec<Person>, AppError> {
        self.may_look(cx, study).await?;
        self.listen_to_rooms();
        Ok(self.rooms.people(&room_name(study), self.now()))
    }

    /// What one who follows may know of what is shown: an earlier study beside only where they may read it too.
    async fn fitted(&self, cx: &Cx, told: Told) -> Told {
        let Told::Look(Some(Shown::Picture(mut glance))) = told else {
            return told;
        };
        if let Some(beside) = glance.beside.take() {
            let ask = ImageAsk {
                study: beside.study.clone(),
                series: Some(beside.series.clone()),
                instance: Some(beside.sop.clone()),
                aside: false,
                meta: false,
                files: false,
                after: None,
                limit: 1,
            };
            let found = self
                .store
                .images()
                .images(&cx.permit(), &beside.hospital, &ask)
                .await;
            if found.is_ok_and(|found| !found.is_empty()) {
                glance.beside = Some(beside);
            }
        }
        Told::Look(Some(Shown::Picture(glance)))
    }

    /// Says something from a seat to the others. Refused to whoever may not read the study now.
    pub async fn say_together(
        &self,
        cx: &Cx,
        study: &RecordKey,
        seat: &str,
        all: Vec<Say>,
    ) -> Result<(), AppError> {
        if all.len() > SAYINGS_MAX || seat.len() > 64 {
            return Err(AppError::TooMuch("sayings in one request"));
        }
        all.iter().try_for_each(Say::check)?;
        self.rooms.may_say(&cx.actor.account, all.len(), cx.now)?;
        self.may_look(cx, study).await?;
        for say in all {
            let wire = Wire {
                room: room_name(study),
                seat: seat.to_owned(),
                account: cx.actor.account.clone(),
                word: Word::Said(say),
            };
            said(self.store.talk(), &wire);
        }
        Ok(())
    }

    /// Hears what is said on any node, from the first who joins here until the server closes.
    fn listen_to_rooms(&self) {
        if std::mem::replace(&mut self.rooms.inner().listening, true) {
            return;
        }
        let (rooms, talk) = (Arc::clone(&self.rooms), Arc::clone(self.store.talk()));
        let (clock, mut closing) = (Arc::clone(&self.clock), self.closing());
        let mut heard = talk.hear();
        tokio::spawn(async move {
            loop {
                let word = tokio::select! {
                    word = heard.recv() => word,
                    _ = closing.wait_for(|closing| *closing) => return,
                };
                let text = match word {
                    Ok(text) => text,
                    // What was missed comes again with the beacons, or is shown by what is said next.
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return,
                };
                let Ok(wire) = serde_json::from_str::<Wire>(&text) else {
                    continue;
                };
                for answer in rooms.hear(wire, clock.now()) {
                    said(&talk, &answer);
                }
            }
        });
    }
}

impl Together {
    /// Names this seat among all.
    pub fn seat(&self) -> &str {
        &self.seat
    }

    fn say(&self, word: Word) {
        let wire = Wire {
            room: self.name.clone(),
            seat: self.seat.clone(),
            account: self.cx.actor.account.clone(),
            word,
        };
        said(self.app.store.talk(), &wire);
    }

    fn beacon(&self) {
        for wire in self.app.rooms.own(&self.name, Some(&self.seat), false) {
            said(self.app.store.talk(), &wire);
        }
    }

    /// What there is to be told next; none when it is over. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if self.over {
                return None;
            }
            // It stays in the queue until it can be given: this may be dropped in between.
            if let Some(told) = self.waiting.front().cloned() {
                let told = self.app.fitted(&self.cx, told).await;
                self.waiting.pop_front();
                return Some(told);
            }
            let ask = tokio::select! {
                told = self.told.recv() => match told {
                    Ok(told) => {
                        self.waiting.push_back(told);
                        continue;
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.waiting = self.app.rooms.all(&self.name).into();
                        continue;
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                _ = self.tick.tick() => Ask::Tick,
                moved = self.commits.changed() => match moved {
                    Ok(()) => Ask::Commit,
                    Err(_) => return None,
                },
            };
            let asks = match ask {
                Ask::Tick => {
                    self.show();
                    true
                }
                Ask::Commit => self.changed_access().await,
            };
            if asks && !self.lasts().await {
                self.over = true;
                return Some(Told::Out);
            }
        }
    }

    /// Tells the other nodes now and then that somebody sits here, and forgets who sits there no more.
    fn show(&mut self) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(BEACON_TICKS) {
            self.beacon();
            self.app.rooms.forget_silent(&self.name, self.app.now());
        }
    }

    /// Whether the newest commits may have changed who may read what. What cannot be told now is asked with the next tick.
    async fn changed_access(&mut self) -> bool {
        let topics = [format!("record-{}", self.study.id)];
        let Ok((seen, touched)) = self.app.live_since(&self.cx, self.seen, &topics).await else {
            return false;
        };
        self.seen = seen;
        !touched.is_empty()
    }

    /// Whether the reader may still look. A fault of the store is no end of a permit: it is asked again in a second.
    async fn lasts(&mut self) -> bool {
        self.cx.now = self.app.now();
        !matches!(
            self.app.may_look(&self.cx, &self.study).await,
            Err(AppError::NotFound | AppError::Gone | AppError::Denied(_))
        )
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        self.say(Word::Left);
        self.app.rooms.rise(&self.name, &self.seat);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (app, mut cx) = (self.app.clone(), self.cx.clone());
        let (study, patient) = (self.study.clone(), self.patient.clone());
        cx.now = app.now();
        runtime.spawn(async move {
            let mut entry = Entry::of(Verb::Execute, "study.left", &study);
            entry.patient = patient.as_ref().map(|p| (&p.hospital, &p.id));
            let mut batch = Batch::new(cx.now);
            for chain in chains(&cx, &study.hospital) {
                batch.audit.push(cx.audit(chain, &entry));
            }
            if let Err(error) = app.store.commit(batch).await {
                tracing::warn!(error = %error, "that somebody left was not written to the audit");
            }
        });
    }
}
