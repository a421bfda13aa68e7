//! Paging through a list that changes meanwhile.
//!
//! Deleted sessions move all later ones to smaller offsets, whether this process or another client deletes
//! them. So that no session is skipped:
//!
//! 1. Each page overlaps the previous one by one session. If its first session is not known, the list has
//!    moved, and the pager goes back.
//! 2. A page without new sessions may be the last one, or be one of a service whose pages contain a single
//!    session. So one more page is requested, which must be empty at the end of the list.

use std::collections::HashSet;

/// The number of sessions to go back when the list has moved: a page of most services.
const STEP_BACK: u32 = 100;

/// The position in a list that is paged through.
#[derive(Debug)]
pub(super) struct Pager {
    offset: u32,
    max: u64,
    seen: HashSet<String>,
    /// True if the previous page had no new sessions, so that this one does not overlap.
    is_past_end: bool,
    /// The length of the current page, and whether it has new sessions.
    page: (usize, bool),
}

/// The meaning of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// The end of the list.
    End,
    /// The list has moved; the page at the new offset must be requested.
    Moved,
    /// The page continues the list. For each session: whether it is new.
    Sessions(Vec<bool>),
}

impl Pager {
    /// Creates a pager that gives up after `max` sessions.
    pub(super) fn new(max: u64) -> Self {
        Self { offset: 0, max, seen: HashSet::new(), is_past_end: false, page: (0, false) }
    }

    /// The offset of the page to request.
    pub(super) fn offset(&self) -> u32 {
        self.offset
    }

    /// The number of sessions seen so far.
    pub(super) fn seen(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Interprets the page at the current offset.
    pub(super) fn receive(&mut self, ids: &[&str]) -> Page {
        if ids.is_empty() && (self.is_past_end || self.offset == 0) {
            return Page::End;
        }
        let overlaps = ids.first().is_some_and(|id| self.seen.contains(*id));
        if self.offset > 0 && !self.is_past_end && !overlaps {
            self.offset = self.offset.saturating_sub(STEP_BACK);
            return Page::Moved;
        }
        let is_new: Vec<_> = ids.iter().map(|id| self.seen.insert((*id).to_owned())).collect();
        self.page = (ids.len(), is_new.contains(&true));
        Page::Sessions(is_new)
    }

    /// Moves to the next page after `deleted` sessions of this page were deleted. Returns false if there are
    /// too many sessions, or the service ignores offsets.
    pub(super) fn advance(&mut self, deleted: usize) -> bool {
        let (length, has_new) = self.page;
        if self.seen() >= self.max || (self.is_past_end && !has_new) {
            return false;
        }
        let next = self.offset.saturating_add(u32::try_from(length - deleted).unwrap_or(u32::MAX));
        self.offset = if has_new { next.saturating_sub(1) } else { next };
        self.is_past_end = !has_new;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list from which the pager deletes all sessions that start with `x`. `before_page` changes the list
    /// before each page. Returns the number of deleted sessions, unless the pager gives up.
    fn delete_all(
        list: &mut Vec<String>,
        page_size: usize,
        mut before_page: impl FnMut(&mut Vec<String>),
    ) -> Option<usize> {
        let (mut pager, mut total) = (Pager::new(1_000), 0);
        loop {
            before_page(list);
            let page: Vec<_> = list.iter().skip(pager.offset() as usize).take(page_size).cloned().collect();
            let ids: Vec<_> = page.iter().map(String::as_str).collect();
            match pager.receive(&ids) {
                Page::End => return Some(total),
                Page::Moved => (),
                Page::Sessions(is_new) => {
                    let new = ids.iter().zip(is_new).filter(|(_, is_new)| *is_new);
                    let orphans: HashSet<_> =
                        new.filter(|(id, _)| id.starts_with('x')).map(|(id, _)| *id).collect();
                    list.retain(|id| !orphans.contains(id.as_str()));
                    total += orphans.len();
                    if !pager.advance(orphans.len()) {
                        return None;
                    }
                }
            }
        }
    }

    /// A list in which every third session is to be deleted.
    fn list(length: usize) -> Vec<String> {
        (0..length).map(|id| if id % 3 == 0 { format!("x{id}") } else { format!("y{id}") }).collect()
    }

    #[test]
    fn all_sessions_are_found_for_any_page_size() {
        for page_size in [1, 2, 3, 7, 100, 1_000] {
            let mut list = list(300);
            assert_eq!(delete_all(&mut list, page_size, |_| ()), Some(100), "{page_size}");
            assert_eq!(list.len(), 200, "{page_size}");
        }
    }

    #[test]
    fn an_empty_list_ends_immediately() {
        assert_eq!(delete_all(&mut Vec::new(), 10, |_| ()), Some(0));
    }

    #[test]
    fn deletions_by_other_clients_hide_nothing() {
        for removed in [1, 5, 9, 60] {
            let mut list = list(400);
            let mut pages = 0;
            let found = delete_all(&mut list, 20, |list| {
                pages += 1;
                // Another client deletes sessions before the current offset.
                if pages == 4 {
                    let mut left = removed;
                    list.retain(|id| {
                        let remove = left > 0 && id.starts_with('y');
                        left -= usize::from(remove);
                        !remove
                    });
                }
            });
            assert_eq!(found, Some(134), "{removed}");
            assert!(list.iter().all(|id| id.starts_with('y')), "{removed}");
        }
    }

    #[test]
    fn a_service_that_ignores_offsets_is_given_up() {
        let mut pager = Pager::new(1_000);
        for is_new in [true, false] {
            assert_eq!(pager.receive(&["a", "b"]), Page::Sessions(vec![is_new; 2]));
            assert!(pager.advance(0));
        }
        assert_eq!(pager.receive(&["a", "b"]), Page::Sessions(vec![false; 2]));
        assert!(!pager.advance(0));
    }

    #[test]
    fn too_many_sessions_are_given_up() {
        let mut pager = Pager::new(2);
        assert_eq!(pager.receive(&["a", "b"]), Page::Sessions(vec![true; 2]));
        assert!(!pager.advance(0));
    }
}
