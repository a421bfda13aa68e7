//! The check that a list contains exactly the sessions of its user.

use super::known_session::{KnownSession, Session};
use super::ledger::{Ledger, OwnedSessions};
use super::violation::{CheckResult, Violation, ensure};
use sessions_client::DataPage;
use std::collections::HashSet;
use std::sync::Arc;

/// The sessions of a user that a list was requested for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListFilter<'a> {
    All,
    Active,
    Only(&'a str),
}

/// The check of all pages of a list, during which the user changes nothing.
#[derive(Debug)]
pub(crate) struct ListCheck<'a> {
    /// The sessions of the user when the list was started.
    sessions: OwnedSessions,
    filter: ListFilter<'a>,
    listed: HashSet<String>,
}

impl<'a> ListCheck<'a> {
    pub(crate) fn new(sessions: OwnedSessions, filter: ListFilter<'a>) -> Self {
        Self { sessions, filter, listed: HashSet::new() }
    }

    /// The number of sessions listed so far.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.listed.len()).unwrap_or(u32::MAX)
    }

    /// Counts the sessions of a page without checking them.
    pub(crate) fn skip_page(&mut self, page: &DataPage<Session<'_>>) {
        self.listed.extend(page.data.iter().map(|session| session.id.to_string()));
    }

    /// Checks a page. An empty page is the last one, after which no session may be missing.
    pub(crate) fn check_page(
        &mut self,
        owner: &str,
        page: &DataPage<Session<'_>>,
        ledger: &Ledger,
    ) -> CheckResult {
        for session in &page.data {
            ensure(session.user_id.as_deref() == Some(owner), Violation::ListedOfOtherUser)?;
            ensure(self.listed.insert(session.id.to_string()), Violation::ListedTwice)?;
            let matches = match self.filter {
                ListFilter::All => true,
                ListFilter::Active => session.active,
                ListFilter::Only(id) => session.id == id,
            };
            ensure(matches, Violation::ListedAgainstFilter)?;
            match self.sessions.known.get(&*session.id) {
                Some(known) => known.check_listed(session)?,
                None if ledger.has_assigned(&session.id) => return Err(Violation::ExistsAfterDelete),
                None => ensure(self.sessions.unknown > 0, Violation::ListedNeverOpened)?,
            }
        }
        let (min, max) = self.expected();
        if let Some(total) = page.total {
            ensure((min..=max).contains(&total), Violation::TotalDiffers)?;
        }
        if page.data.is_empty() {
            let missing = self.certain().filter(|id| !self.listed.contains(*id)).count();
            // A session that is deleted or closed late, between two pages, moves another one past the
            // requested offset.
            let listed = |known: &&Arc<KnownSession>| self.listed.contains(&known.id);
            let certain = self.certain().filter(|id| self.listed.contains(*id)).count();
            let moved = self.possible().filter(listed).count().saturating_sub(certain);
            ensure(missing <= moved, Violation::NotListed)?;
        }
        Ok(())
    }

    /// The ids that must be listed.
    fn certain(&self) -> impl Iterator<Item = &String> {
        let certain = self.sessions.known.values().filter(|known| {
            known.exists()
                && match self.filter {
                    ListFilter::All => true,
                    ListFilter::Active => known.is_active() == Some(true),
                    ListFilter::Only(id) => known.id == id,
                }
        });
        certain.map(|known| &known.id)
    }

    /// The sessions that may be listed.
    fn possible(&self) -> impl Iterator<Item = &Arc<KnownSession>> {
        self.sessions.known.values().filter(|known| {
            !known.is_deleted()
                && match self.filter {
                    ListFilter::All => true,
                    ListFilter::Active => known.is_active() != Some(false),
                    ListFilter::Only(id) => known.id == id,
                }
        })
    }

    /// The minimum and the maximum number of sessions.
    fn expected(&self) -> (u64, u64) {
        (self.certain().count() as u64, self.possible().count() as u64 + self.sessions.unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::super::known_session::sample::session as opened;
    use super::super::known_session::{CallOutcome, SessionCall};
    use super::super::payload::{Filler, Label, PayloadShape};
    use super::*;
    use sessions_client::Timestamp;

    fn session(id: &str) -> Session<'_> {
        opened(id, "ann")
    }

    /// Ann's sessions 1, 2 and 3, the last of which is closed.
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
        let pending = known.begin(SessionCall::Close);
        known
            .end(&pending, CallOutcome::Session(&closed(&known.id)), &Filler::new(PayloadShape::Text, 0))
            .unwrap();
    }

    /// Checks a list of one page.
    fn check(
        ledger: &Ledger,
        filter: ListFilter<'_>,
        sessions: Vec<Session<'_>>,
        total: Option<u64>,
    ) -> CheckResult {
        let mut list = ListCheck::new(ledger.owned_by("ann"), filter);
        list.check_page("ann", &DataPage::new(sessions, total), ledger)?;
        list.check_page("ann", &DataPage::new(Vec::new(), total), ledger)
    }

    fn all() -> Vec<Session<'static>> {
        vec![session("1"), session("2"), closed("3")]
    }

    #[test]
    fn a_complete_list_passes() {
        assert_eq!(check(&ledger(), ListFilter::All, all(), Some(3)), Ok(()));
        assert_eq!(check(&ledger(), ListFilter::All, all(), None), Ok(()));
        assert_eq!(check(&ledger(), ListFilter::Active, vec![session("2"), session("1")], Some(2)), Ok(()));
        assert_eq!(check(&ledger(), ListFilter::Only("2"), vec![session("2")], Some(1)), Ok(()));
    }

    #[test]
    fn every_difference_of_a_list_has_a_violation() {
        let ledger = ledger();
        let violation = |filter, sessions, total| check(&ledger, filter, sessions, total).unwrap_err();
        let mut foreign = session("1");
        foreign.user_id = Some("bob".into());
        assert_eq!(violation(ListFilter::All, vec![foreign], None), Violation::ListedOfOtherUser);
        assert_eq!(
            violation(ListFilter::All, vec![session("1"), session("1")], None),
            Violation::ListedTwice
        );
        assert_eq!(violation(ListFilter::All, vec![session("1"), session("2")], None), Violation::NotListed);
        assert_eq!(violation(ListFilter::All, vec![session("4")], None), Violation::ListedNeverOpened);
        assert_eq!(violation(ListFilter::All, all(), Some(2)), Violation::TotalDiffers);
        assert_eq!(violation(ListFilter::All, vec![session("3")], None), Violation::ActiveAfterClose);
        assert_eq!(violation(ListFilter::All, vec![closed("1")], None), Violation::ClosedEarly);
        assert_eq!(violation(ListFilter::Active, all(), None), Violation::ListedAgainstFilter);
        assert_eq!(
            violation(ListFilter::Only("1"), vec![session("2")], None),
            Violation::ListedAgainstFilter
        );
    }

    #[test]
    fn a_deleted_session_must_not_be_listed() {
        let ledger = ledger();
        ledger.deleted(&ledger.owned_by("ann").known["2"].clone());
        assert_eq!(check(&ledger, ListFilter::All, all(), None), Err(Violation::ExistsAfterDelete));
        assert_eq!(check(&ledger, ListFilter::All, vec![session("1"), closed("3")], Some(2)), Ok(()));
    }

    #[test]
    fn a_session_deleted_late_may_hide_another() {
        let ledger = ledger();
        let sessions = ledger.owned_by("ann");
        let pending = sessions.known["1"].begin(SessionCall::Delete);
        sessions.known["1"]
            .end(&pending, CallOutcome::NoResponse, &Filler::new(PayloadShape::Text, 0))
            .unwrap();
        assert_eq!(check(&ledger, ListFilter::All, vec![session("1"), closed("3")], None), Ok(()));
        assert_eq!(check(&ledger, ListFilter::All, vec![session("2"), closed("3")], None), Ok(()));
        assert_eq!(check(&ledger, ListFilter::All, vec![session("1")], None), Err(Violation::NotListed));
        assert_eq!(check(&ledger, ListFilter::All, vec![closed("3")], None), Err(Violation::NotListed));
    }

    #[test]
    fn a_session_of_an_unanswered_open_may_be_listed() {
        let ledger = ledger();
        ledger.opening("ann");
        let mut sessions = all();
        assert_eq!(check(&ledger, ListFilter::All, sessions.clone(), Some(3)), Ok(()));
        sessions.push(session("4"));
        assert_eq!(check(&ledger, ListFilter::All, sessions, Some(4)), Ok(()));
    }
}
