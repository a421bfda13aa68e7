//! The groups of differences that one change of a service explains.
//!
//! 1. Differences with the same subject, such as a key of sessions, are a group, wherever they are: in responses, in
//!    rows, in shapes.
//! 2. Groups are joined if one change explains both: a key that is gone and another with the same values, the same
//!    new form of several keys.
//! 3. Groups that follow from another one join it: other headers of a response with another status, other ids in a
//!    list that was filtered by a time in another form.

#[cfg(test)]
mod tests;

use super::difference::{Change, Difference, Location, Reading, Source};
use super::level::Level;
use crate::check::{CheckedCase, Finding};
use crate::objects::{folded, is_payload, is_same_key, may_be_time};
use contract_tests::ObjectKind;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A difference with its case.
#[derive(Clone, Copy)]
pub(super) struct Item<'r> {
    pub(super) case: &'r CheckedCase,
    pub(super) finding: &'r Finding,
}

impl<'r> Item<'r> {
    pub(super) fn difference(self) -> &'r Difference {
        &self.finding.difference
    }

    /// The step with the difference: its case and title.
    fn step(self) -> (&'r str, &'r str) {
        (&self.case.name, &self.finding.difference.step)
    }
}

/// The part of the contract that differs, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A key of a kind of object.
    Key(ObjectKind, String),
    /// A whole body.
    Body,
    /// A status: the expected one and the observed one.
    Status(String, String),
    /// A header.
    Header(String),
    /// The form of JSON.
    Format(String),
    /// The order of the keys of a kind of object.
    KeyOrder(ObjectKind),
    /// A request.
    Request,
    /// A value that only the client decoded differently.
    Decoded(Location),
    /// A case that ended early.
    Ended,
    /// The shape of responses with a status.
    Shape,
    /// A step, row or line.
    Other(Location),
}

impl Subject {
    fn of(difference: &Difference) -> Self {
        let evidence = &difference.evidence;
        match (evidence.source, &difference.location) {
            (Source::Request, _) => Self::Request,
            (Source::Decoded, location) => Self::Decoded(location.clone()),
            (_, Location::Body(_)) => match difference.key() {
                Some(key) => Self::Key(evidence.object, key.to_owned()),
                None => Self::Body,
            },
            (_, Location::Status) => Self::Status(difference.was.clone(), difference.is.clone()),
            (_, Location::Header(name)) => Self::Header(name.clone()),
            (_, Location::Format) => Self::Format(difference.is.clone()),
            (_, Location::KeyOrder(_)) => Self::KeyOrder(evidence.object),
            (Source::Shape, Location::Step) => Self::Shape,
            (_, Location::Step) if difference.is.starts_with("not reached") => Self::Ended,
            (_, location) => Self::Other(location.clone()),
        }
    }
}

/// A key that has another name now.
pub(super) struct Rename {
    /// The group of the old name.
    pub(super) from: usize,
    /// The old name.
    pub(super) was: String,
    /// The new name.
    pub(super) is: String,
    pub(super) transformation: Transformation,
}

/// The way in which a new name follows from an old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transformation {
    /// Another case or other separators.
    Case,
    /// The old name, with more before and after it.
    Affixes(String, String),
    /// Another word.
    Word,
}

impl Transformation {
    fn of(was: &str, is: &str) -> Self {
        if is_same_key(was, is) {
            return Self::Case;
        }
        match is.split_once(was) {
            Some((before, after)) => Self::Affixes(before.to_owned(), after.to_owned()),
            None => Self::Word,
        }
    }
}

struct Group {
    /// The subject of its differences, but for those that follow from them.
    subject: Subject,
    items: Vec<usize>,
}

/// All groups, and which of them have the same cause.
pub(super) struct Groups<'i, 'r> {
    all: &'i [Item<'r>],
    by_subject: Vec<Group>,
    /// For each group, another one with the same cause, or itself.
    joined: Vec<usize>,
    pub(super) renames: Vec<Rename>,
}

impl<'i, 'r> Groups<'i, 'r> {
    pub(super) fn new(all: &'i [Item<'r>]) -> Self {
        let mut by_subject: BTreeMap<Subject, Vec<usize>> = BTreeMap::new();
        for (index, item) in all.iter().enumerate() {
            by_subject.entry(Subject::of(item.difference())).or_default().push(index);
        }
        let groups: Vec<Group> =
            by_subject.into_iter().map(|(subject, items)| Group { subject, items }).collect();
        let joined = (0..groups.len()).collect();
        let mut all = Self { all, by_subject: groups, joined, renames: Vec::new() };
        all.join_renames();
        all.join_equal_changes();
        all.join_values();
        all.join_statuses();
        all.join_bodies();
        all.join_wrapped();
        all.join_dependent();
        all.join_shapes();
        all.join_ended();
        all
    }

    /// The sets of groups with the same cause.
    pub(super) fn sets(&self) -> Vec<Vec<usize>> {
        let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for group in 0..self.by_subject.len() {
            sets.entry(self.root(group)).or_default().push(group);
        }
        sets.into_values().collect()
    }

    pub(super) fn items(&self, group: usize) -> &[usize] {
        &self.by_subject[group].items
    }

    pub(super) fn subject(&self, group: usize) -> &Subject {
        &self.by_subject[group].subject
    }

    /// The expected status, if the group is about the status.
    pub(super) fn status(&self, group: usize) -> Option<&str> {
        match self.subject(group) {
            Subject::Status(was, _) => Some(was),
            _ => None,
        }
    }

    /// Returns whether the groups are two keys, each with the values of the other one.
    pub(super) fn is_swapped(&self, set: &[usize]) -> bool {
        let keys: Vec<usize> =
            set.iter().copied().filter(|group| matches!(self.subject(*group), Subject::Key(..))).collect();
        let [one, other] = keys[..] else { return false };
        let (one, other) = (self.values(one), self.values(other));
        let common: Vec<_> =
            one.iter().filter_map(|(place, values)| Some((values, other.get(place)?))).collect();
        !common.is_empty()
            && common.iter().all(|((was, is), (other_was, other_is))| was == other_is && is == other_was)
    }

    fn root(&self, group: usize) -> usize {
        let mut group = group;
        while self.joined[group] != group {
            group = self.joined[group];
        }
        group
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.joined[one.max(other)] = one.min(other);
    }

    fn differences(&self, group: usize) -> impl Iterator<Item = &'r Difference> {
        self.by_subject[group].items.iter().map(|item| self.all[*item].difference())
    }

    fn entries(&self, group: usize) -> impl Iterator<Item = Item<'r>> {
        self.by_subject[group].items.iter().map(|item| self.all[*item])
    }

    /// The operations of the cases with the differences of a group.
    fn operations(&self, group: usize) -> BTreeSet<&'r str> {
        self.entries(group).map(|item| item.case.operation()).collect()
    }

    fn all_of(&self, group: usize, matches: impl Fn(&Difference) -> bool) -> bool {
        self.differences(group).all(matches)
    }

    fn any_of(&self, group: usize, matches: impl Fn(&Difference) -> bool) -> bool {
        self.differences(group).any(matches)
    }

    fn indexes(&self, matches: impl Fn(&Subject) -> bool) -> Vec<usize> {
        (0..self.by_subject.len()).filter(|group| matches(self.subject(*group))).collect()
    }

    /// The expected and the observed values of a key in full responses, by step and path of the object.
    fn values(&self, group: usize) -> BTreeMap<(&'r str, &'r str, &'r str), (&'r str, &'r str)> {
        let full = self.entries(group).filter(|item| item.difference().evidence.source == Source::Response);
        full.filter_map(|item| {
            let difference = item.difference();
            let Location::Body(path) = &difference.location else { return None };
            let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
            let values = (difference.evidence.was_json.as_deref()?, difference.evidence.is_json.as_deref()?);
            Some(((item.step().0, item.step().1, parent), values))
        })
        .collect()
    }

    /// Joins a key that is gone with a new one that has its values.
    fn join_renames(&mut self) {
        let keys = self.indexes(|subject| matches!(subject, Subject::Key(..)));
        let with = |change: Change| -> Vec<usize> {
            let has = |group: &usize| {
                let is_full = |difference: &Difference| difference.evidence.source == Source::Response;
                self.any_of(*group, |difference| is_full(difference) && difference.change == change)
                    && self.all_of(*group, |difference| !is_full(difference) || difference.change == change)
            };
            keys.iter().copied().filter(has).collect()
        };
        let (gone, new) = (with(Change::Removed), with(Change::Added));
        let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
        for &from in &gone {
            for &to in &new {
                if let Some(score) = self.similarity(from, to) {
                    pairs.push((score, from, to));
                }
            }
        }
        pairs.sort_by(|one, other| other.cmp(one));
        let mut used = BTreeSet::new();
        for (_, from, to) in pairs {
            if used.contains(&from) || used.contains(&to) {
                continue;
            }
            used.extend([from, to]);
            self.join(from, to);
            if let (Subject::Key(_, was), Subject::Key(_, is)) = (self.subject(from), self.subject(to)) {
                let (was, is) = (was.clone(), is.clone());
                let transformation = Transformation::of(&was, &is);
                self.renames.push(Rename { from, was, is, transformation });
            }
        }
        // Many keys with new names that follow in the same way are one change.
        for index in 1..self.renames.len() {
            let transformation = &self.renames[index].transformation;
            let like = self.renames[..index].iter().find(|other| {
                *transformation != Transformation::Word && other.transformation == *transformation
            });
            if let Some(other) = like.map(|other| other.from) {
                self.join(self.renames[index].from, other);
            }
        }
    }

    /// Returns how much speaks for a rename; `None` if something speaks against it.
    fn similarity(&self, from: usize, to: usize) -> Option<usize> {
        let (Subject::Key(from_object, was), Subject::Key(to_object, is)) =
            (self.subject(from), self.subject(to))
        else {
            return None;
        };
        if from_object != to_object {
            return None;
        }
        let (gone, new) = (self.values(from), self.values(to));
        let common = gone.iter().filter_map(|(place, (was, _))| Some((*was, new.get(place)?.1)));
        let common: Vec<(&str, &str)> = common.collect();
        let is_everywhere = common.len() == gone.len() && common.len() == new.len();
        let is_equal = common.iter().all(|(was, is)| was == is);
        let has_value = common.iter().any(|(was, _)| *was != "null");
        let is_same_word = is_same_key(was, is);
        (!common.is_empty() && is_everywhere && (is_equal || is_same_word))
            .then(|| usize::from(is_same_word) * 2 + usize::from(is_equal && has_value))
    }

    /// Joins keys that have changed in the same way: the same new form or type, or `null` and absent keys exchanged.
    fn join_equal_changes(&mut self) {
        let keys = self.indexes(|subject| matches!(subject, Subject::Key(..)));
        let mut first: BTreeMap<(ObjectKind, &str, &str, &str), usize> = BTreeMap::new();
        let mut pairs = Vec::new();
        for group in keys {
            let Subject::Key(object, _) = self.subject(group) else { continue };
            for difference in self.differences(group) {
                let evidence = &difference.evidence;
                if evidence.source != Source::Response {
                    continue;
                }
                let is_null = |json: &Option<String>| json.as_deref() == Some("null");
                let kind = match difference.change {
                    Change::Form if may_be_time(&evidence.key) => (*object, "form", "", &*difference.is),
                    Change::Type if !matches!(self.subject(group), Subject::Key(ObjectKind::Entity, key) if is_payload(key)) => {
                        (*object, "type", &*difference.was, &*difference.is)
                    }
                    Change::Removed if self.all_full(group, |other| is_null(&other.evidence.was_json)) => {
                        (*object, "null to absent", "", "")
                    }
                    Change::Added if self.all_full(group, |other| is_null(&other.evidence.is_json)) => {
                        (*object, "absent to null", "", "")
                    }
                    _ => continue,
                };
                match first.get(&kind) {
                    Some(other) => pairs.push((*other, group)),
                    None => drop(first.insert(kind, group)),
                }
            }
        }
        for (one, other) in pairs {
            self.join(one, other);
        }
    }

    /// Returns whether all differences of a group in full responses match.
    fn all_full(&self, group: usize, matches: impl Fn(&Difference) -> bool) -> bool {
        self.all_of(group, |difference| difference.evidence.source != Source::Response || matches(difference))
    }

    /// Joins keys with other values in the same responses, such as an old state of a session, or swapped keys.
    fn join_values(&mut self) {
        let is_value = |difference: &Difference| {
            matches!(difference.change, Change::Value | Change::Length | Change::Order)
                || (difference.change == Change::Type
                    && !matches!(difference.evidence.reading, Reading::Failed(_)))
                || (difference.evidence.key == "close_time"
                    && matches!(difference.change, Change::Added | Change::Removed)
                    && difference.evidence.reading == Reading::Other)
        };
        let groups: Vec<usize> = self
            .indexes(|subject| matches!(subject, Subject::Key(ObjectKind::Entity | ObjectKind::Page, _)))
            .into_iter()
            .filter(|group| {
                let full = |difference: &Difference| difference.evidence.source != Source::Shape;
                self.any_of(*group, full)
                    && self.all_of(*group, |difference| !full(difference) || is_value(difference))
            })
            .collect();
        let steps = |group: usize| -> BTreeSet<_> {
            let entries =
                self.entries(group).filter(|item| item.difference().evidence.source != Source::Shape);
            entries.map(Item::step).collect()
        };
        let steps: Vec<BTreeSet<_>> = groups.iter().map(|group| steps(*group)).collect();
        for one in 0..groups.len() {
            for other in 0..one {
                if !steps[one].is_disjoint(&steps[other]) {
                    self.join(groups[one], groups[other]);
                }
            }
        }
    }

    /// Joins the new statuses of operations that respond with one status in place of several, and all differences that
    /// are only in responses with another status.
    fn join_statuses(&mut self) {
        let statuses = self.indexes(|subject| matches!(subject, Subject::Status(..)));
        for (position, &one) in statuses.iter().enumerate() {
            for &other in &statuses[..position] {
                if let (Subject::Status(_, is), Subject::Status(_, other_is)) =
                    (self.subject(one), self.subject(other))
                    && is == other_is
                    && !self.operations(one).is_disjoint(&self.operations(other))
                {
                    self.join(one, other);
                }
            }
        }
        for group in 0..self.by_subject.len() {
            let is_other = |difference: &Difference| {
                difference.evidence.has_other_status || difference.evidence.source == Source::Shape
            };
            let is_status = matches!(self.subject(group), Subject::Status(..) | Subject::Shape);
            if is_status || !self.all_of(group, is_other) {
                continue;
            }
            self.follow(group, |groups, item| {
                let has_status = |status: &&usize| {
                    groups.entries(**status).any(|other| {
                        if item.difference().evidence.has_other_status {
                            other.step() == item.step()
                        } else {
                            other.case.operation() == item.case.operation()
                        }
                    })
                };
                statuses.iter().find(has_status).copied()
            });
        }
    }

    /// Joins a group with the cause of its differences. If they have several causes, each difference joins its own.
    fn follow(&mut self, group: usize, cause: impl Fn(&Self, Item<'r>) -> Option<usize>) {
        let (mut by_cause, mut without) = (BTreeMap::<usize, Vec<usize>>::new(), Vec::new());
        for &item in self.items(group) {
            match cause(self, self.all[item]) {
                Some(cause) => by_cause.entry(self.root(cause)).or_default().push(item),
                None => without.push(item),
            }
        }
        if let (1, Some((&cause, _))) = (by_cause.len(), by_cause.first_key_value()) {
            return self.join(group, cause);
        }
        for (cause, items) in by_cause {
            self.by_subject[cause].items.extend(items);
        }
        self.by_subject[group].items = without;
    }

    /// Joins headers and the form of JSON with the bodies that they describe.
    fn join_bodies(&mut self) {
        let bodies = self.indexes(|subject| *subject == Subject::Body);
        let Some(&body) = bodies.first() else { return };
        let steps: BTreeSet<_> = self.entries(body).map(Item::step).collect();
        let about = self.indexes(|subject| match subject {
            Subject::Header(name) => name.starts_with("content-"),
            Subject::Format(_) => true,
            _ => false,
        });
        for group in about {
            if self.entries(group).all(|item| steps.contains(&item.step())) {
                self.join(group, body);
            }
        }
    }

    /// Joins the rows and shapes of bodies that are inside of another object now, for the operations with such bodies.
    fn join_wrapped(&mut self) {
        let bodies = self.indexes(|subject| *subject == Subject::Body);
        let wrapped = bodies
            .into_iter()
            .find(|group| self.any_of(*group, |difference| difference.change == Change::Wrapped));
        let Some(wrapped) = wrapped else { return };
        let operations = self.operations(wrapped);
        for group in 0..self.by_subject.len() {
            let is_summary =
                |difference: &Difference| matches!(difference.evidence.source, Source::Row | Source::Shape);
            if self.all_of(group, is_summary) && self.operations(group).is_subset(&operations) {
                self.join(group, wrapped);
            }
        }
    }

    /// Joins the differences that follow from an id or a time in another form: those of requests that contain it.
    fn join_dependent(&mut self) {
        let is_other = |difference: &Difference| {
            !matches!(difference.change, Change::Added) && difference.evidence.source == Source::Response
        };
        let changed = |groups: &Self, is_right: &dyn Fn(&str) -> bool| {
            groups
                .indexes(|subject| matches!(subject, Subject::Key(ObjectKind::Entity, key) if is_right(key)))
                .into_iter()
                .find(|group| groups.any_of(*group, is_other))
        };
        let id = changed(self, &|key| folded(key) == "id");
        self.join_renumbered();
        let time = changed(self, &|key| may_be_time(key) && key.contains("time"));
        for group in 0..self.by_subject.len() {
            let uses = |prefix: &str| {
                self.all_of(group, |difference| {
                    let evidence = &difference.evidence;
                    evidence.source == Source::Shape
                        || evidence.uses.iter().any(|name| name.starts_with(prefix))
                }) && self.any_of(group, |difference| difference.evidence.source != Source::Shape)
            };
            let cause = match self.subject(group) {
                Subject::Request => id.or(time),
                _ if uses("<t") && time.is_some() => time,
                _ if uses("<id:") && id.is_some() => id,
                _ => None,
            };
            if let Some(cause) = cause {
                self.join(group, cause);
            }
        }
    }

    /// Joins times with other numbers because an earlier response did not contain its times.
    fn join_renumbered(&mut self) {
        let number = |json: &Option<String>| -> Option<usize> {
            json.as_deref()?.strip_prefix("\"<t")?.strip_suffix(">\"")?.parse().ok()
        };
        let is_renumbered = |difference: &Difference| {
            let evidence = &difference.evidence;
            difference.change == Change::Value
                && number(&evidence.is_json).zip(number(&evidence.was_json)).is_some_and(|(is, was)| is < was)
        };
        let keys = self
            .indexes(|subject| matches!(subject, Subject::Key(ObjectKind::Entity, key) if may_be_time(key)));
        for group in keys {
            if !self.all_full(group, is_renumbered) || !self.any_of(group, is_renumbered) {
                continue;
            }
            let is_missing = |difference: &Difference| {
                difference.evidence.source == Source::Response
                    && (difference.location == Location::Status
                        || (matches!(difference.change, Change::Removed | Change::Type)
                            && (may_be_time(&difference.evidence.key) || difference.evidence.key.is_empty())))
            };
            let is_about_responses = |subject: &Subject| {
                matches!(subject, Subject::Status(..) | Subject::Body | Subject::Key(ObjectKind::Entity, _))
            };
            let cause =
                self.indexes(is_about_responses).into_iter().find(|other| self.any_of(*other, is_missing));
            if let Some(cause) = cause {
                self.join(group, cause);
            }
        }
    }

    /// Joins the shapes of whole bodies and statuses, which follow from the responses of the same operation.
    fn join_shapes(&mut self) {
        for group in 0..self.by_subject.len() {
            if !self.all_of(group, |difference| difference.evidence.source == Source::Shape) {
                continue;
            }
            let is_about_keys = matches!(self.subject(group), Subject::Key(..));
            // Fewer types follow from missing items.
            let is_narrower = self.all_of(group, |difference| difference.change == Change::Narrower);
            let is_new = self.any_of(group, |difference| {
                matches!(difference.change, Change::Added | Change::Type | Change::Form)
            });
            // A new key or type is a separate change, even if no other snapshot shows it.
            if is_about_keys && is_new {
                continue;
            }
            let operations = self.operations(group);
            let cause = (0..self.by_subject.len()).filter(|other| *other != group).find(|other| {
                let is_cause = match self.subject(*other) {
                    Subject::Status(..) | Subject::Body | Subject::Ended => true,
                    Subject::Key(ObjectKind::Page, _) => {
                        !is_about_keys
                            || is_narrower
                            || matches!(self.subject(group), Subject::Key(ObjectKind::Page, _))
                    }
                    _ => false,
                };
                let mut full =
                    self.entries(*other).filter(|item| item.difference().evidence.source != Source::Shape);
                is_cause && full.any(|item| operations.contains(item.case.operation()))
            });
            if let Some(cause) = cause {
                self.join(group, cause);
            }
        }
    }

    /// Joins each case that ended early with the most serious other group in it, or else in all cases.
    fn join_ended(&mut self) {
        let ended = self.indexes(|subject| *subject == Subject::Ended);
        let Some(&ended) = ended.first() else { return };
        let level = |group: usize| self.entries(group).map(|item| item.finding.level).max();
        let others = (0..self.by_subject.len()).filter(|group| {
            *group != ended
                && self.any_of(*group, |difference| difference.evidence.source != Source::Shape)
                && level(*group) == Some(Level::Breaking)
        });
        let priority = |group: usize| {
            let is_first = match self.subject(group) {
                Subject::Key(ObjectKind::Entity, key) if folded(key) == "id" => 3,
                Subject::Status(..) | Subject::Body => 2,
                Subject::Key(ObjectKind::Entity, _) => 1,
                _ => 0,
            };
            (is_first, self.items(group).len())
        };
        let mut others: Vec<usize> = others.collect();
        others.sort_by_key(|group| Reverse(priority(*group)));
        self.follow(ended, |groups, item| {
            let is_in_case =
                |group: &&usize| groups.entries(**group).any(|other| other.case.name == item.case.name);
            others.iter().find(is_in_case).or(others.first()).copied()
        });
    }
}
