//! Those who look at one study together, as one node knows them. Pure: no clock, no line.

use std::collections::BTreeMap;

use kernel::limits::{TOGETHER_DRAWN_MAX, TOGETHER_SEATS_MAX};
use kernel::{AccountId, Instant};

use super::words::{Drawn, Person, Pointed, Say, Shown};

/// A seat at another node that was not heard of for so long is empty, seconds.
pub const SILENT_S: i64 = 12;

/// What the people of a room are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Who is here now.
    People(Vec<Seated>),
    /// What the one who leads shows.
    Look(Option<Shown>),
    Point(String, Option<Pointed>),
    Draw(String, Drawn),
    Erase(String, String),
    /// This reader may look no longer.
    Out,
}

/// One of those who are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    pub seat: String,
    pub person: Person,
    pub leads: bool,
}

#[derive(Debug)]
struct Seat {
    person: Person,
    /// At this node.
    here: bool,
    heard: Instant,
    drawn: BTreeMap<String, Drawn>,
    point: Option<Pointed>,
}

/// A room of one study.
#[derive(Debug, Default)]
pub(crate) struct Room {
    seats: BTreeMap<String, Seat>,
    /// The seat that leads, with how often the lead was taken: the later holder stands, on every node.
    lead: Option<(u64, String)>,
    /// How often the lead was taken, also when nobody has it now.
    taken: u64,
    look: Option<Shown>,
}

impl Room {
    pub fn has_room(&self) -> bool {
        self.seats.len() < TOGETHER_SEATS_MAX
    }
    /// Whether nobody of this node is here any more.
    pub fn is_left(&self) -> bool {
        !self.seats.values().any(|s| s.here)
    }
    /// Whether a seat is at this node.
    pub fn is_here(&self, seat: &str) -> bool {
        self.seats.get(seat).is_some_and(|s| s.here)
    }
    pub fn is_of(&self, seat: &str, account: &AccountId) -> bool {
        self.seats
            .get(seat)
            .is_some_and(|s| s.person.account == *account)
    }

    /// Everybody who is here.
    pub fn persons(&self) -> Vec<Person> {
        self.seats.values().map(|s| s.person.clone()).collect()
    }

    /// Everything there is to know for one who comes.
    pub fn all(&self) -> Vec<Told> {
        let mut told = vec![self.people()];
        if self.lead.is_some() {
            told.push(Told::Look(self.look.clone()));
        }
        for (seat, s) in &self.seats {
            let drawn = s.drawn.values().cloned();
            told.extend(drawn.map(|d| Told::Draw(seat.clone(), d)));
            if s.point.is_some() {
                told.push(Told::Point(seat.clone(), s.point.clone()));
            }
        }
        told
    }

    fn people(&self) -> Told {
        let leads = |seat: &str| self.lead.as_ref().is_some_and(|(_, l)| l == seat);
        let seated = |(seat, s): (&String, &Seat)| Seated {
            seat: seat.clone(),
            person: s.person.clone(),
            leads: leads(seat),
        };
        Told::People(self.seats.iter().map(seated).collect())
    }

    /// The seats of this node with the count of the lead where they have it, and what they would have to say again to one
    /// who has just come.
    pub fn own(&self) -> Vec<(String, Person, Option<u64>, Vec<Say>)> {
        let own = self.seats.iter().filter(|(_, s)| s.here);
        own.map(|(seat, s)| {
            let lead = self.lead.as_ref().filter(|(_, l)| l == seat);
            let drawn = s.drawn.values().cloned().map(Say::Draw);
            let look = lead.map(|_| match &self.look {
                None => Say::Look(None),
                Some(Shown::Picture(glance)) => Say::Look(Some(glance.clone())),
                Some(Shown::Traces(traces)) => Say::Traces(traces.clone()),
            });
            let count = lead.map(|(n, _)| *n);
            (
                seat.clone(),
                s.person.clone(),
                count,
                drawn.chain(look).collect(),
            )
        })
        .collect()
    }

    /// A seat is taken, or heard of again.
    pub fn here(
        &mut self,
        seat: &str,
        person: Person,
        lead: Option<u64>,
        here: bool,
        now: Instant,
    ) -> Vec<Told> {
        let has_room = self.has_room();
        let known = self.seats.get_mut(seat);
        let is_new = known.is_none();
        match known {
            Some(s) if s.person.account == person.account => s.heard = now,
            Some(_) => return Vec::new(),
            None if !has_room => return Vec::new(),
            None => {
                let new = Seat {
                    person,
                    here,
                    heard: now,
                    drawn: BTreeMap::new(),
                    point: None,
                };
                self.seats.insert(seat.to_owned(), new);
            }
        }
        let led = lead.is_some_and(|count| self.leads(seat, count));
        if is_new || led {
            vec![self.people()]
        } else {
            Vec::new()
        }
    }

    /// A seat has the lead for the `count`th time. Whether that changes anything.
    fn leads(&mut self, seat: &str, count: u64) -> bool {
        let claim = (count, seat.to_owned());
        self.taken = self.taken.max(count);
        if self.lead.as_ref().is_some_and(|held| *held >= claim) {
            return false;
        }
        self.lead = Some(claim);
        true
    }

    pub fn left(&mut self, seat: &str) -> Vec<Told> {
        let Some(gone) = self.seats.remove(seat) else {
            return Vec::new();
        };
        let mut told: Vec<Told> = gone
            .drawn
            .into_keys()
            .map(|id| Told::Erase(seat.to_owned(), id))
            .collect();
        if gone.point.is_some() {
            told.push(Told::Point(seat.to_owned(), None));
        }
        self.lay_down(seat);
        told.push(self.people());
        told
    }

    fn lay_down(&mut self, seat: &str) {
        if self.lead.as_ref().is_some_and(|(_, l)| l == seat) {
            self.lead = None;
            self.look = None;
        }
    }

    /// Seats of other nodes that fell silent.
    pub fn forget_silent(&mut self, now: Instant) -> Vec<Told> {
        let silent = |s: &Seat| !s.here && s.heard.duration_until(now).as_secs() > SILENT_S;
        let gone: Vec<String> = self
            .seats
            .iter()
            .filter(|(_, s)| silent(s))
            .map(|(seat, _)| seat.clone())
            .collect();
        gone.iter().flat_map(|seat| self.left(seat)).collect()
    }

    /// Something is said from a seat. Nothing comes of what the seat may not say now.
    pub fn said(&mut self, seat: &str, say: Say) -> Vec<Told> {
        let next = self.taken + 1;
        let leads = self.lead.as_ref().is_some_and(|(_, l)| l == seat);
        let Some(s) = self.seats.get_mut(seat) else {
            return Vec::new();
        };
        match say {
            Say::Look(_) | Say::Traces(_) if !leads => Vec::new(),
            Say::Look(look) => {
                self.look = look.map(Shown::Picture);
                vec![Told::Look(self.look.clone())]
            }
            Say::Traces(traces) => {
                self.look = Some(Shown::Traces(traces));
                vec![Told::Look(self.look.clone())]
            }
            Say::Point(point) => {
                s.point.clone_from(&point);
                vec![Told::Point(seat.to_owned(), point)]
            }
            Say::Draw(drawn) => {
                if s.drawn.len() >= TOGETHER_DRAWN_MAX && !s.drawn.contains_key(&drawn.id) {
                    return Vec::new();
                }
                s.drawn.insert(drawn.id.clone(), drawn.clone());
                vec![Told::Draw(seat.to_owned(), drawn)]
            }
            Say::Erase(id) => match s.drawn.remove(&id) {
                Some(_) => vec![Told::Erase(seat.to_owned(), id)],
                None => Vec::new(),
            },
            Say::Lead(true) if !leads => {
                self.leads(seat, next);
                self.look = None;
                vec![self.people()]
            }
            Say::Lead(false) if leads => {
                self.lay_down(seat);
                vec![self.people()]
            }
            Say::Lead(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Glance;
    use super::*;
    use crate::viewing::Figure;
    use kernel::HospitalId;

    fn person(name: &str, hospital: &str) -> Person {
        Person {
            account: AccountId::new(name).unwrap(),
            name: name.into(),
            hospital: HospitalId::new(hospital).unwrap(),
        }
    }

    fn at(seconds: i64) -> Instant {
        Instant::UNIX_EPOCH
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap()
    }

    fn room() -> Room {
        let mut room = Room::default();
        room.here("a", person("ann", "yarqum"), None, true, at(0));
        room.here("b", person("ben", "qumtagh"), None, false, at(0));
        room
    }

    fn leader(room: &Room) -> Option<String> {
        match room.people() {
            Told::People(all) => all.into_iter().find(|s| s.leads).map(|s| s.seat),
            _ => None,
        }
    }

    fn glance(sop: &str) -> Glance {
        Glance {
            series: "1.2".into(),
            sop: sop.into(),
            frame: 0,
            window: Some([400.0, 40.0]),
            turned: 0.0,
            flipped: [false, false],
            invert: false,
            zoom: 1.0,
            centre: [0.0; 3],
            plane: None,
            over: None,
            beside: None,
        }
    }

    #[test]
    fn only_the_one_who_leads_moves_the_others_and_anybody_may_take_the_lead() {
        let mut room = room();
        let look = |sop: &str| Say::Look(Some(glance(sop)));
        assert!(room.said("b", look("1.1")).is_empty(), "nobody leads yet");
        room.said("a", Say::Lead(true));
        assert_eq!(leader(&room).as_deref(), Some("a"));
        assert_eq!(room.said("a", look("1.1")).len(), 1);
        assert!(room.said("b", look("1.2")).is_empty());
        room.said("b", Say::Lead(true));
        assert_eq!(leader(&room).as_deref(), Some("b"));
        assert!(room.said("a", look("1.3")).is_empty());
        assert_eq!(
            room.said("b", look("1.4")),
            [Told::Look(Some(Shown::Picture(glance("1.4"))))]
        );
        room.said("b", Say::Lead(false));
        assert_eq!(leader(&room), None);
        assert!(room.said("b", look("1.5")).is_empty());
    }

    #[test]
    fn two_nodes_agree_on_who_leads_in_whatever_order_they_hear() {
        let (mut one, mut other) = (room(), room());
        for (room, order) in [(&mut one, ["a", "b"]), (&mut other, ["b", "a"])] {
            for seat in order {
                let (name, hospital) = if seat == "a" {
                    ("ann", "yarqum")
                } else {
                    ("ben", "qumtagh")
                };
                room.here(seat, person(name, hospital), Some(3), seat == "a", at(1));
            }
        }
        assert_eq!(leader(&one), leader(&other));
        // Taken again after that, the later stands.
        one.said("a", Say::Lead(true));
        let Some((count, _)) = one.lead.clone() else {
            panic!("nobody leads")
        };
        other.here("a", person("ann", "yarqum"), Some(count), true, at(2));
        assert_eq!(leader(&one).as_deref(), Some("a"));
        assert_eq!(leader(&other).as_deref(), Some("a"));
    }

    #[test]
    fn who_leaves_takes_lead_and_figures_along_and_a_silent_node_s_people_go() {
        let mut room = room();
        let drawn = Drawn {
            id: "f1".into(),
            tool: Figure::Length,
            sop: "1.1".into(),
            frame: 0,
            points: vec![[0.0; 3], [1.0, 0.0, 0.0]],
        };
        room.said("b", Say::Lead(true));
        room.said("b", Say::Draw(drawn));
        assert_eq!(room.all().len(), 3);
        assert!(room.forget_silent(at(SILENT_S)).is_empty());
        let told = room.forget_silent(at(SILENT_S + 1));
        assert_eq!(told.first(), Some(&Told::Erase("b".into(), "f1".into())));
        assert_eq!(leader(&room), None);
        assert_eq!(room.all().len(), 1);
        room.left("a");
        assert!(room.is_left());
    }

    #[test]
    fn a_seat_is_its_account_s_and_rooms_and_figures_have_bounds() {
        let mut room = room();
        assert!(room.is_of("a", &AccountId::new("ann").unwrap()));
        assert!(!room.is_of("a", &AccountId::new("ben").unwrap()));
        assert!(
            room.here("a", person("ben", "qumtagh"), Some(9), false, at(0))
                .is_empty()
        );
        assert_eq!(leader(&room), None, "another’s seat gives no lead");
        for n in 0..TOGETHER_SEATS_MAX {
            room.here(
                &format!("s{n}"),
                person("ben", "qumtagh"),
                None,
                false,
                at(0),
            );
        }
        assert!(!room.has_room());
        assert_eq!(room.seats.len(), TOGETHER_SEATS_MAX);
        for n in 0..=TOGETHER_DRAWN_MAX {
            let drawn = Drawn {
                id: format!("f{n}"),
                tool: Figure::Angle,
                sop: "1.1".into(),
                frame: 0,
                points: vec![[0.0; 3]; 3],
            };
            let told = room.said("a", Say::Draw(drawn));
            assert_eq!(told.is_empty(), n == TOGETHER_DRAWN_MAX);
        }
    }
}
