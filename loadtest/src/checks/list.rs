//! The check that a list contains exactly the sessions of its user.
//!
//! The order of a list is not checked, because the contract does not specify it.

use super::known_session::{KnownSession, Session};
use super::ledger::{Ledger, OwnedSessions};
use super::violation::{CheckResult, Violation, ViolationKind, ensure, ensure_string};
use crate::format::counted;
use sessions_client::{DataPage, PagingParams};
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
    /// The number of listed sessions that no response has opened. Open calls without a response may have
    /// opened them.
    unknown: u64,
    /// The number of sessions that were listed again. A session that is opened late, between two pages, may
    /// move one to the next page.
    listed_again: u64,
    /// The minimum and the maximum of the total. It is computed with the first total: of a long list, each page would
    /// look at all sessions.
    expected: Option<(u64, u64)>,
}

impl<'a> ListCheck<'a> {
    pub(crate) fn new(sessions: OwnedSessions, filter: ListFilter<'a>) -> Self {
        Self { sessions, filter, listed: HashSet::new(), unknown: 0, listed_again: 0, expected: None }
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
        paging: &PagingParams,
        page: &DataPage<Session<'_>>,
        ledger: &Ledger,
    ) -> CheckResult {
        for session in &page.data {
            self.check_session(owner, session, ledger)
                .map_err(|violation| violation.of_session(&session.id))?;
        }
        let taken = paging.taken(usize::MAX, usize::MAX);
        ensure(page.data.len() <= taken, || {
            let [expected, observed] = [taken, page.data.len()].map(sessions);
            Violation::with(ViolationKind::PageTooLong, format!("at most {expected}"), observed)
        })?;
        self.check_total(paging, page)?;
        if page.data.is_empty() { self.check_complete(owner) } else { Ok(()) }
    }

    fn check_session(&mut self, owner: &str, session: &Session<'_>, ledger: &Ledger) -> CheckResult {
        ensure_string(ViolationKind::ListedOfOtherUser, owner, session.user_id.as_deref())?;
        let is_first = self.listed.insert(session.id.to_string());
        if !is_first {
            self.listed_again += 1;
            ensure(self.listed_again <= self.sessions.unknown, || {
                Violation::with(ViolationKind::ListedTwice, "each session once", "the session again")
            })?;
        }
        let (matches, wanted) = match self.filter {
            ListFilter::All => (true, "any"),
            ListFilter::Active => (session.active, "an active session"),
            ListFilter::Only(id) => (session.id == id, id),
        };
        ensure(matches, || {
            let activity = if session.active { "active" } else { "inactive" };
            let observed = format!("{activity} session {}", session.id);
            Violation::with(ViolationKind::ListedAgainstFilter, wanted, observed)
        })?;
        ensure(session.user.is_none() && session.data.is_none(), || {
            let [user, data] = [session.user, session.data].map(|it| it.map_or("null", |json| json.get()));
            let observed = format!("user {user}, data {data}");
            Violation::with(ViolationKind::ListedWithPayload, "no user and no data", observed)
        })?;
        match self.sessions.known.get(&*session.id) {
            Some(known) => known.check_listed(session),
            None if ledger.has_assigned(&session.id) => {
                let expected = "no session after delete";
                Err(Violation::with(ViolationKind::ExistsAfterDelete, expected, "a listed session"))
            }
            None => {
                self.unknown += u64::from(is_first);
                ensure(self.unknown <= self.sessions.unknown, || {
                    let opened = self.sessions.known.len();
                    let expected =
                        format!("{opened} opened, and {} of unanswered calls", self.sessions.unknown);
                    Violation::with(ViolationKind::ListedNeverOpened, expected, "another session")
                })
            }
        }
    }

    /// Checks the total, which must be present if it was requested.
    fn check_total(&mut self, paging: &PagingParams, page: &DataPage<Session<'_>>) -> CheckResult {
        if page.total.is_none() && !paging.wants_total() {
            return Ok(());
        }
        let (min, max) = self.expected.unwrap_or_else(|| self.range());
        self.expected = Some((min, max));
        ensure(page.total.is_some_and(|total| (min..=max).contains(&total)), || {
            let expected = if min == max { min.to_string() } else { format!("{min} to {max}") };
            let observed = page.total.map_or_else(|| "null".to_owned(), |total| total.to_string());
            Violation::with(ViolationKind::TotalDiffers, expected, observed)
        })
    }

    /// Checks that no session is missing after the last page.
    fn check_complete(&self, owner: &str) -> CheckResult {
        let (listed, missing): (Vec<_>, Vec<_>) = self.certain().partition(|id| self.listed.contains(*id));
        // A session that is deleted or closed late, between two pages, moves another one past the requested
        // offset.
        let is_listed = |known: &&Arc<KnownSession>| self.listed.contains(&known.id);
        let moved = self.possible().filter(is_listed).count().saturating_sub(listed.len());
        ensure(missing.len() <= moved, || {
            let expected = format!("{} of {owner}", sessions(listed.len() + missing.len()));
            let observed = format!("{} without this one", sessions(self.listed.len()));
            let violation = Violation::with(ViolationKind::NotListed, expected, observed);
            match missing.iter().min() {
                Some(id) => violation.of_session(id),
                None => violation,
            }
        })
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
    fn range(&self) -> (u64, u64) {
        (self.certain().count() as u64, self.possible().count() as u64 + self.sessions.unknown)
    }
}

fn sessions(number: usize) -> String {
    counted(number as u64, "session", "sessions")
}

#[cfg(test)]
mod tests {
    use super::super::call_outcome::CallOutcome;
    use super::super::known_session::SessionCall;
    use super::super::known_session::sample::{received, session as opened};
    use super::super::payload::{Filler, Label, PayloadShape};
    use super::*;
    use serde_json::value::to_raw_value;

    fn session(id: &str) -> Session<'_> {
        opened(id, "ann")
    }

    /// Ann's sessions 1, 2 and 3, the last of which is closed.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        for id in ["1", "2", "3"] {
            ledger.opening("ann");
            assert!(ledger.opened(&Arc::new(KnownSession::new(
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
        session.close_time = Some(session.request_time);
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
    ) -> Result<(), ViolationKind> {
        details(ledger, filter, sessions, total).map_err(|violation| violation.kind)
    }

    /// Checks a list of one page.
    fn details(
        ledger: &Ledger,
        filter: ListFilter<'_>,
        sessions: Vec<Session<'_>>,
        total: Option<u64>,
    ) -> CheckResult {
        let mut list = ListCheck::new(ledger.owned_by("ann"), filter);
        let paging = PagingParams::new().total(total.is_some());
        list.check_page("ann", &paging, &DataPage::new(sessions, total), ledger)?;
        list.check_page("ann", &paging, &DataPage::new(Vec::new(), total), ledger)
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
        assert_eq!(violation(ListFilter::All, vec![foreign], None), ViolationKind::ListedOfOtherUser);
        assert_eq!(
            violation(ListFilter::All, vec![session("1"), session("1")], None),
            ViolationKind::ListedTwice
        );
        assert_eq!(
            violation(ListFilter::All, vec![session("1"), session("2")], None),
            ViolationKind::NotListed
        );
        assert_eq!(violation(ListFilter::All, vec![session("4")], None), ViolationKind::ListedNeverOpened);
        assert_eq!(violation(ListFilter::All, all(), Some(2)), ViolationKind::TotalDiffers);
        assert_eq!(violation(ListFilter::All, all(), Some(4)), ViolationKind::TotalDiffers);
        let mut renamed = session("1");
        renamed.address = None;
        assert_eq!(violation(ListFilter::All, vec![renamed], None), ViolationKind::AddressDiffers);
        let mut older = session("1");
        older.open_time -= std::time::Duration::from_secs(1);
        assert_eq!(violation(ListFilter::All, vec![older], None), ViolationKind::OpenTimeDiffers);
        let mut whole = session("1");
        whole.data = Some(received(to_raw_value("text").unwrap()));
        assert_eq!(violation(ListFilter::All, vec![whole], None), ViolationKind::ListedWithPayload);
        assert_eq!(violation(ListFilter::All, vec![session("3")], None), ViolationKind::ActiveAfterClose);
        assert_eq!(violation(ListFilter::All, vec![closed("1")], None), ViolationKind::ClosedEarly);
        assert_eq!(violation(ListFilter::Active, all(), None), ViolationKind::ListedAgainstFilter);
        assert_eq!(
            violation(ListFilter::Only("1"), vec![session("2")], None),
            ViolationKind::ListedAgainstFilter
        );
    }

    #[test]
    fn a_deleted_session_must_not_be_listed() {
        let ledger = ledger();
        ledger.deleted(&ledger.owned_by("ann").known["2"].clone());
        assert_eq!(check(&ledger, ListFilter::All, all(), None), Err(ViolationKind::ExistsAfterDelete));
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
        assert_eq!(check(&ledger, ListFilter::All, vec![session("1")], None), Err(ViolationKind::NotListed));
        assert_eq!(check(&ledger, ListFilter::All, vec![closed("3")], None), Err(ViolationKind::NotListed));
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

    #[test]
    fn more_sessions_than_unanswered_opens_must_not_be_listed() {
        let ledger = ledger();
        ledger.opening("ann");
        let sessions = [all(), vec![session("4"), session("5")]].concat();
        assert_eq!(check(&ledger, ListFilter::All, sessions, None), Err(ViolationKind::ListedNeverOpened));
    }

    #[test]
    fn a_session_opened_late_may_move_another_to_the_next_page() {
        let ledger = ledger();
        let sessions = [all(), vec![session("1")]].concat();
        let twice = Err(ViolationKind::ListedTwice);
        assert_eq!(check(&ledger, ListFilter::All, sessions.clone(), None), twice);
        ledger.opening("ann");
        assert_eq!(check(&ledger, ListFilter::All, sessions.clone(), None), Ok(()));
        let sessions = [sessions, vec![session("2")]].concat();
        assert_eq!(check(&ledger, ListFilter::All, sessions, None), twice);
    }

    #[test]
    fn a_page_has_no_more_sessions_than_requested() {
        let ledger = ledger();
        let mut list = ListCheck::new(ledger.owned_by("ann"), ListFilter::All);
        let paging = PagingParams::new().take(2);
        let violation = list.check_page("ann", &paging, &DataPage::new(all(), None), &ledger).unwrap_err();
        assert_eq!(violation.kind, ViolationKind::PageTooLong);
        assert_eq!(violation.expected.as_deref(), Some("at most 2 sessions"));
    }

    #[test]
    fn a_requested_total_must_be_present() {
        let ledger = ledger();
        let mut list = ListCheck::new(ledger.owned_by("ann"), ListFilter::All);
        let paging = PagingParams::new().total(true);
        let violation = list.check_page("ann", &paging, &DataPage::new(all(), None), &ledger).unwrap_err();
        assert_eq!(violation.kind, ViolationKind::TotalDiffers);
        assert_eq!((violation.expected.as_deref(), violation.observed.as_deref()), (Some("3"), Some("null")));
    }

    #[test]
    fn a_violation_of_a_list_names_its_session() {
        let ledger = ledger();
        let names = |sessions| details(&ledger, ListFilter::All, sessions, None).unwrap_err().session_id;
        assert_eq!(names(vec![session("1"), session("1")]).as_deref(), Some("1"));
        assert_eq!(names(vec![session("1"), closed("3")]).as_deref(), Some("2"));
    }

    #[test]
    fn a_missing_session_is_shown_with_its_owner() {
        let ledger = ledger();
        let sessions = vec![session("1"), closed("3")];
        let violation = details(&ledger, ListFilter::All, sessions, None).unwrap_err();
        assert_eq!(violation.expected.as_deref(), Some("3 sessions of ann"));
        assert_eq!(violation.observed.as_deref(), Some("2 sessions without this one"));
    }
}
