//! Whether a list has exactly the sessions that its user has.

use super::known_session::{KnownSession, Session};
use super::ledger::{Ledger, OwnedSessions};
use super::violation::{Checked, Violation, must};
use sessions_client::DataPage;
use std::collections::HashSet;
use std::sync::Arc;

/// Which of a user's sessions a list was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    All,
    Active,
    Only(&'a str),
}

/// The pages of a list so far, of one user, who changes nothing meanwhile.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    /// What the user had when the list was begun.
    sessions: OwnedSessions,
    asked: Asked<'a>,
    seen: HashSet<String>,
}

impl<'a> Listed<'a> {
    pub(crate) fn new(sessions: OwnedSessions, asked: Asked<'a>) -> Self {
        Self { sessions, asked, seen: HashSet::new() }
    }

    /// How many sessions have been listed.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.seen.len()).unwrap_or(u32::MAX)
    }

    /// Takes a page as it is.
    pub(crate) fn pass(&mut self, page: &DataPage<Session<'_>>) {
        self.seen.extend(page.data.iter().map(|session| session.id.to_string()));
    }

    /// Compares a page with what is known. An empty page is the last one, after which nothing may be missing.
    pub(crate) fn page(&mut self, owner: &str, page: &DataPage<Session<'_>>, ledger: &Ledger) -> Checked {
        for session in &page.data {
            must(session.user_id.as_deref() == Some(owner), Violation::ListedForeign)?;
            must(self.seen.insert(session.id.to_string()), Violation::ListedTwice)?;
            let wanted = match self.asked {
                Asked::All => true,
                Asked::Active => session.active,
                Asked::Only(id) => session.id == id,
            };
            must(wanted, Violation::ListedUnasked)?;
            match self.sessions.known.get(&*session.id) {
                Some(known) => known.check_listed(session)?,
                None if ledger.has_given(&session.id) => return Err(Violation::DeleteLeftIt),
                None => must(self.sessions.unanswered > 0, Violation::ListedUnopened)?,
            }
        }
        let (least, most) = self.expected();
        if let Some(total) = page.total {
            must((least..=most).contains(&total), Violation::TotalDiffers)?;
        }
        if page.data.is_empty() {
            let missing = self.certain().filter(|id| !self.seen.contains(*id)).count();
            // One that was deleted or closed late, between two pages, has moved another out of sight.
            let listed = |known: &&Arc<KnownSession>| self.seen.contains(&known.id);
            let certain = self.certain().filter(|id| self.seen.contains(*id)).count();
            let moved = self.possible().filter(listed).count().saturating_sub(certain);
            must(missing <= moved, Violation::NotListed)?;
        }
        Ok(())
    }

    /// The ids that must be on the list.
    fn certain(&self) -> impl Iterator<Item = &String> {
        let certain = self.sessions.known.values().filter(|known| {
            known.is_there()
                && match self.asked {
                    Asked::All => true,
                    Asked::Active => known.is_active() == Some(true),
                    Asked::Only(id) => known.id == id,
                }
        });
        certain.map(|known| &known.id)
    }

    /// Those that may be on the list.
    fn possible(&self) -> impl Iterator<Item = &Arc<KnownSession>> {
        self.sessions.known.values().filter(|known| {
            !known.is_gone()
                && match self.asked {
                    Asked::All => true,
                    Asked::Active => known.is_active() != Some(false),
                    Asked::Only(id) => known.id == id,
                }
        })
    }

    /// How many sessions the list must have, and how many it may have.
    fn expected(&self) -> (u64, u64) {
        (self.certain().count() as u64, self.possible().count() as u64 + self.sessions.unanswered)
    }
}

#[cfg(test)]
mod tests {
    use super::super::known_session::sample::session as opened;
    use super::super::known_session::{Answer, Change};
    use super::super::payload::{Filler, Label, Shape};
    use super::*;
    use sessions_client::Timestamp;

    fn session(id: &str) -> Session<'_> {
        opened(id, "ann")
    }

    /// Ann's sessions 1, 2 and 3, the last of which she has closed.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        for id in ["1", "2", "3"] {
            ledger.opening("ann");
            assert!(ledger.opened(Arc::new(KnownSession::new(
                &session(id),
                Label::new("ann", 0),
                String::new()
            ))));
        }
        close(&ledger.owned_by("ann").known["3"]);
        ledger
    }

    fn closed(id: &str) -> Session<'_> {
        let mut session = session(id);
        session.active = false;
        session.close_time = Some(Timestamp::default());
        session
    }

    fn close(known: &KnownSession) {
        let pending = known.begin(Change::Close);
        known.end(&pending, Answer::Session(&closed(&known.id)), &Filler::new(Shape::Text, 0)).unwrap();
    }

    /// What is said of a list of one page.
    fn check(ledger: &Ledger, asked: Asked<'_>, sessions: Vec<Session<'_>>, total: Option<u64>) -> Checked {
        let mut listed = Listed::new(ledger.owned_by("ann"), asked);
        listed.page("ann", &DataPage::new(sessions, total), ledger)?;
        listed.page("ann", &DataPage::new(Vec::new(), total), ledger)
    }

    fn all() -> Vec<Session<'static>> {
        vec![session("1"), session("2"), closed("3")]
    }

    #[test]
    fn a_list_of_everything_that_the_user_has_is_right() {
        assert_eq!(check(&ledger(), Asked::All, all(), Some(3)), Ok(()));
        assert_eq!(check(&ledger(), Asked::All, all(), None), Ok(()));
        assert_eq!(check(&ledger(), Asked::Active, vec![session("2"), session("1")], Some(2)), Ok(()));
        assert_eq!(check(&ledger(), Asked::Only("2"), vec![session("2")], Some(1)), Ok(()));
    }

    #[test]
    fn a_list_is_wrong_by_the_name_of_what_is_wrong_with_it() {
        let ledger = ledger();
        let wrong = |asked, sessions, total| check(&ledger, asked, sessions, total).unwrap_err();
        let mut foreign = session("1");
        foreign.user_id = Some("bob".into());
        assert_eq!(wrong(Asked::All, vec![foreign], None), Violation::ListedForeign);
        assert_eq!(wrong(Asked::All, vec![session("1"), session("1")], None), Violation::ListedTwice);
        assert_eq!(wrong(Asked::All, vec![session("1"), session("2")], None), Violation::NotListed);
        assert_eq!(wrong(Asked::All, vec![session("4")], None), Violation::ListedUnopened);
        assert_eq!(wrong(Asked::All, all(), Some(2)), Violation::TotalDiffers);
        assert_eq!(wrong(Asked::All, vec![session("3")], None), Violation::CloseLeftActive);
        assert_eq!(wrong(Asked::All, vec![closed("1")], None), Violation::Inactive);
        assert_eq!(wrong(Asked::Active, all(), None), Violation::ListedUnasked);
        assert_eq!(wrong(Asked::Only("1"), vec![session("2")], None), Violation::ListedUnasked);
    }

    #[test]
    fn a_deleted_session_is_on_no_list() {
        let ledger = ledger();
        ledger.deleted(&ledger.owned_by("ann").known["2"].clone());
        assert_eq!(check(&ledger, Asked::All, all(), None), Err(Violation::DeleteLeftIt));
        assert_eq!(check(&ledger, Asked::All, vec![session("1"), closed("3")], Some(2)), Ok(()));
    }

    #[test]
    fn a_session_that_may_be_deleted_late_may_hide_one_other() {
        let ledger = ledger();
        let sessions = ledger.owned_by("ann");
        let pending = sessions.known["1"].begin(Change::Delete);
        sessions.known["1"].end(&pending, Answer::Unanswered, &Filler::new(Shape::Text, 0)).unwrap();
        assert_eq!(check(&ledger, Asked::All, vec![session("1"), closed("3")], None), Ok(()));
        assert_eq!(check(&ledger, Asked::All, vec![session("2"), closed("3")], None), Ok(()));
        assert_eq!(check(&ledger, Asked::All, vec![session("1")], None), Err(Violation::NotListed));
        assert_eq!(check(&ledger, Asked::All, vec![closed("3")], None), Err(Violation::NotListed));
    }

    #[test]
    fn what_nobody_has_heard_of_may_be_listed_or_not() {
        let ledger = ledger();
        ledger.opening("ann");
        let mut sessions = all();
        assert_eq!(check(&ledger, Asked::All, sessions.clone(), Some(3)), Ok(()));
        sessions.push(session("4"));
        assert_eq!(check(&ledger, Asked::All, sessions, Some(4)), Ok(()));
    }
}
