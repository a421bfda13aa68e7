//! The service itself: what each call does to the sessions, and its result as JSON, for whoever reads it or sends it.

use super::filter::Filter;
use super::kept::{Change, Json, Kept};
use super::store::{Look, Store};
use crate::data::{DataPage, FilterParams, PagingParams, SessionV1, Timestamp, truncate_to_millis};
use crate::runtime::write_always;
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use std::sync::Arc;

/// The size of a page, and the largest that there is.
const PAGE: usize = 100;

/// Sessions in memory. Clones share them.
#[derive(Clone)]
pub(crate) struct Sessions {
    store: Arc<Store>,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) expire_timeout: TimeDelta,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { store: Arc::default(), clock: Arc::new(Utc::now), expire_timeout: TimeDelta::days(1) }
    }
}

impl Sessions {
    /// No sessions yet, and the rest as it is here.
    pub(super) fn without_any(self) -> Self {
        Self { store: Arc::default(), ..self }
    }

    pub(super) fn len(&self) -> usize {
        self.store.len()
    }

    /// Opens a session; the texts are those from `user_name` to `client`.
    pub(crate) fn open(
        &self,
        user_id: String,
        texts: [Option<&str>; 3],
        user: Option<&Json>,
        data: Option<&Json>,
    ) -> Bytes {
        let user_id = Some(user_id).filter(|user_id| !user_id.is_empty());
        let texts = texts.map(|text| text.filter(|text| !text.is_empty()));
        let opened = |user_id: Option<&str>, now| Kept::opened(user_id, texts, [user, data], now);
        self.store.open(user_id, || self.now(), opened, copied)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Bytes> {
        self.store.get(id)?.look(copied)
    }

    pub(crate) fn change(&self, id: &str, change: &Change) -> Option<Bytes> {
        let changed = |kept: &mut Kept| {
            // The clock is read while the session is locked, so that times are in the order of the changes.
            kept.change(change, self.now());
            copied(kept)
        };
        self.store.get(id)?.change(changed)
    }

    pub(crate) fn delete(&self, id: &str) -> Option<Bytes> {
        self.store.remove(id).map(|kept| kept.into_json().into())
    }

    pub(super) fn close_expired(&self) {
        let now = self.now();
        // Before the beginning of time nothing has changed.
        let Some(oldest) = now.checked_sub_signed(self.expire_timeout) else { return };
        self.store.change_all(|kept| {
            if kept.is_active() && kept.request_time() < oldest {
                kept.change(&Change::Close, now);
            }
        });
    }

    /// A page of a list.
    pub(crate) fn page(&self, filter: Option<&FilterParams>, paging: Option<&PagingParams>) -> Vec<u8> {
        let (filter, paging) = (Filter::of(filter), paging.copied().unwrap_or_default());
        let (skipped, taken) = (paging.skipped(), paging.taken(PAGE, PAGE));
        let counts = paging.wants_total();
        let mut json = Vec::with_capacity(taken * 300);
        // The total is known in the end, if at all.
        write_frame(&mut json, None);
        let start = json.len();
        let (mut found, mut shown) = (0, 0);
        self.matching(&filter, |kept| {
            if found >= skipped && shown < taken {
                if shown > 0 {
                    json.push(b',');
                }
                kept.write_listed(&mut json);
                shown += 1;
            }
            found += 1;
            if counts || shown < taken { Look::GoOn } else { Look::Enough }
        });
        if counts {
            let mut frame = Vec::new();
            write_frame(&mut frame, Some(found as u64));
            json.splice(..start, frame);
        }
        json.extend_from_slice(END_OF_PAGE);
        json
    }

    /// Shows the sessions that `filter` holds for to `look`, until it has seen enough. They are found by the narrowest
    /// index that the filter allows.
    fn matching(&self, filter: &Filter<'_>, mut look: impl FnMut(&Kept) -> Look) {
        let look = |kept: &Kept| if filter.holds_for(kept) { look(kept) } else { Look::GoOn };
        match (filter.id, filter.user_id) {
            (Some(id), user_id) => {
                if let Some(session) = self.store.get(id)
                    && user_id.is_none_or(|user_id| session.user_id() == Some(user_id))
                {
                    session.look(look);
                }
            }
            (None, Some(user_id)) => self.store.of_user(user_id, look),
            (None, None) => self.store.all(look),
        }
    }

    fn now(&self) -> Timestamp {
        truncate_to_millis((self.clock)())
    }
}

fn copied(kept: &Kept) -> Bytes {
    Bytes::copy_from_slice(kept.json())
}

/// What follows the last session of a page.
const END_OF_PAGE: &[u8] = b"]}";

/// Writes what comes before the first session of a page.
fn write_frame(json: &mut Vec<u8>, total: Option<u64>) {
    write_always(json, &DataPage::<SessionV1>::new(Vec::new(), total));
    json.truncate(json.len() - END_OF_PAGE.len());
}
