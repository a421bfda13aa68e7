//! Models of users that open and delete sessions while the leftover check reads the ledger.

use super::{KnownSession, Ledger, OwnedSessions};
use crate::checks::known_session::sample::session;
use crate::checks::payload::Label;
use interleavings::{check, join, spawn};
use std::sync::Arc;

fn known(id: &str, owner: &str) -> Arc<KnownSession> {
    Arc::new(KnownSession::new(&session(id, owner), Label::new(owner, 0), owner.to_owned()))
}

fn opened(id: &'static str, owner: &'static str) -> impl FnOnce(&Ledger) -> bool {
    let known = known(id, owner);
    move |ledger| ledger.opened(&known)
}

/// Returns the number of sessions that the leftover check looks for.
fn sought(ledger: &Ledger, owner: &str) -> u64 {
    let OwnedSessions { known, unknown } = ledger.owned_by(owner);
    known.len() as u64 + unknown
}

#[test]
fn each_session_is_sought_from_its_open_call_until_it_is_deleted() {
    check(|| {
        let ledger = Arc::new(Ledger::default());
        ledger.opening("ann");
        ledger.opening("ann");
        let opening = [("1", "ann"), ("2", "ann")].map(|(id, owner)| spawn(&ledger, opened(id, owner)));
        assert_eq!(sought(&ledger, "ann"), 2);
        assert_eq!(join(opening), [true; 2]);
        let deleting = [(); 2].map(|()| spawn(&ledger, |ledger| ledger.deleted(&known("1", "ann"))));
        assert!((1..=2).contains(&sought(&ledger, "ann")));
        join(deleting);
        assert_eq!((sought(&ledger, "ann"), ledger.counts()), (1, [2, 0, 1]));
        assert_eq!(ledger.remaining(5).ids, ["2"]);
    });
}

#[test]
fn an_id_that_two_sessions_have_is_noticed_once() {
    check(|| {
        let ledger = Arc::new(Ledger::default());
        ledger.opening("ann");
        ledger.opening("bob");
        let [ann, bob] =
            join([("1", "ann"), ("1", "bob")].map(|(id, owner)| spawn(&ledger, opened(id, owner))));
        assert!(ann != bob);
        assert!(ledger.has_assigned("1"));
        assert_eq!((ledger.counts(), ledger.remaining(5).count), ([1, 0, 0], 1));
    });
}
