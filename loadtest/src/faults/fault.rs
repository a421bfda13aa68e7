//! The faults, their schedule, and the syntax of `--fault`.

use crate::cli::MAX_DURATION;
use humantime::{format_duration, parse_duration};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Faults with the same schedule, as in one `--fault`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSet(pub(crate) Vec<Fault>);

/// A fault with its schedule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The time from the start of the measured load.
    pub(crate) at: Duration,
    /// `None` for the rest of the run.
    pub(crate) duration: Option<Duration>,
}

/// The kind of a fault with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FaultKind {
    /// Responses are delayed.
    Latency { delay: Duration, jitter: Duration },
    /// Connections are reset.
    Reset(ResetRate),
    /// Each direction of a connection is limited.
    Throttle { bytes_per_s: u64 },
    /// Connections are accepted, and nothing is forwarded.
    Blackhole,
    /// All connections are reset, and new ones are refused.
    Refuse,
}

/// The number of connections that are reset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ResetRate {
    /// Connections per second.
    PerSecond(f64),
    /// The share of the open connections that is reset in a second, from 0 to 1.
    Share(f64),
}

/// More resets per second than connections can be opened.
const MAX_RESETS: f64 = 100_000.0;

const KINDS: &str =
    "latency=TIME, reset=NUMBER/s, reset=PERCENT%, throttle=BYTES_PER_S, blackhole and refuse";

impl FaultKind {
    /// The name of the kind.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Reset(_) => "reset",
            Self::Throttle { .. } => "throttle",
            Self::Blackhole => "blackhole",
            Self::Refuse => "refuse",
        }
    }
}

impl Fault {
    /// The end of the fault, from the start of the measured load; `None` for the end of the run.
    pub(crate) fn end(&self) -> Option<Duration> {
        self.duration.map(|duration| self.at + duration)
    }

    /// Returns whether the fault is in effect at a time from the start of the measured load.
    pub(crate) fn is_active(&self, elapsed: Duration) -> bool {
        self.at <= elapsed && self.end().is_none_or(|end| elapsed < end)
    }
}

impl FromStr for FaultSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut kinds: Vec<FaultKind> = Vec::new();
        let (mut at, mut duration, mut jitter) = (None, None, None);
        for part in text.split(',').map(str::trim) {
            let (key, value) = match part.split_once('=') {
                Some((key, value)) => (key.trim(), Some(value.trim())),
                None => (part, None),
            };
            match key {
                "at" => set(&mut at, key, time(key, value)?)?,
                "for" => set(&mut duration, key, positive(key, value)?)?,
                "jitter" => set(&mut jitter, key, positive(key, value)?)?,
                _ => {
                    let kind = kind(key, value)?;
                    if kinds.iter().any(|known| known.name() == kind.name()) {
                        return Err(format!(
                            "`{key}` is given twice: add another --fault for another schedule"
                        ));
                    }
                    kinds.push(kind);
                }
            }
        }
        if kinds.is_empty() {
            return Err(format!("`{text}` has no kind of fault: the kinds are {KINDS}"));
        }
        if let Some(jitter) = jitter {
            let latency = kinds.iter_mut().find_map(|kind| match kind {
                FaultKind::Latency { delay, jitter } => Some((delay, jitter)),
                _ => None,
            });
            match latency {
                Some((delay, of_latency)) if jitter <= *delay => *of_latency = jitter,
                Some(_) => return Err("`jitter` must not be longer than `latency`".to_owned()),
                None => return Err("`jitter` needs `latency`".to_owned()),
            }
        }
        let at = at.unwrap_or_default();
        Ok(Self(kinds.into_iter().map(|kind| Fault { kind, at, duration }).collect()))
    }
}

fn set<T>(option: &mut Option<T>, key: &str, value: T) -> Result<(), String> {
    match option.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{key}` is given twice: add another --fault for another schedule")),
    }
}

fn kind(key: &str, value: Option<&str>) -> Result<FaultKind, String> {
    match (key, value) {
        ("latency", _) => Ok(FaultKind::Latency { delay: positive(key, value)?, jitter: Duration::ZERO }),
        ("reset", _) => reset_rate(value).map(FaultKind::Reset),
        ("throttle", _) => {
            let rate = value.and_then(|value| value.parse().ok()).filter(|rate| *rate > 0);
            rate.map(|bytes_per_s| FaultKind::Throttle { bytes_per_s })
                .ok_or_else(|| "`throttle` needs bytes per second, such as throttle=10000".to_owned())
        }
        ("blackhole", None) => Ok(FaultKind::Blackhole),
        ("refuse", None) => Ok(FaultKind::Refuse),
        ("blackhole" | "refuse", Some(_)) => {
            Err(format!("`{key}` has no value: its duration is for=TIME, such as {key},at=10s,for=5s"))
        }
        _ => Err(format!("`{key}` is not a kind of fault: the kinds are {KINDS}, with at=TIME and for=TIME")),
    }
}

fn reset_rate(value: Option<&str>) -> Result<ResetRate, String> {
    let number = |text: &str, max: f64| {
        text.trim().parse().ok().filter(|number: &f64| *number > 0.0 && *number <= max)
    };
    let value = value.unwrap_or_default();
    let rate = match (value.strip_suffix("/s"), value.strip_suffix('%')) {
        (Some(rate), _) => number(rate, MAX_RESETS).map(ResetRate::PerSecond),
        (None, Some(percent)) => number(percent, 100.0).map(|percent| ResetRate::Share(percent / 100.0)),
        (None, None) => None,
    };
    rate.ok_or_else(|| {
        "`reset` needs connections per second, such as reset=5/s, or a share of them per second, such as reset=10%"
            .to_owned()
    })
}

fn time(key: &str, value: Option<&str>) -> Result<Duration, String> {
    value
        .and_then(|value| parse_duration(value).ok())
        .filter(|time| *time <= MAX_DURATION)
        .ok_or_else(|| format!("`{key}` needs a time with a unit up to 30 days, such as {key}=5s"))
}

fn positive(key: &str, value: Option<&str>) -> Result<Duration, String> {
    time(key, value).and_then(|time| {
        if time.is_zero() { Err(format!("`{key}` must be longer than 0")) } else { Ok(time) }
    })
}

/// As in `--fault`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.at.is_zero() {
            write!(f, ",at={}", format_duration(self.at))?;
        }
        self.duration.map_or(Ok(()), |duration| write!(f, ",for={}", format_duration(duration)))
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Latency { delay, jitter } => {
                write!(f, "={}", format_duration(*delay))?;
                if jitter.is_zero() { Ok(()) } else { write!(f, ",jitter={}", format_duration(*jitter)) }
            }
            Self::Reset(ResetRate::PerSecond(rate)) => write!(f, "={rate}/s"),
            Self::Reset(ResetRate::Share(share)) => write!(f, "={}%", share * 100.0),
            Self::Throttle { bytes_per_s } => write!(f, "={bytes_per_s}"),
            Self::Blackhole | Self::Refuse => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Fault>, String> {
        text.parse::<FaultSet>().map(|set| set.0)
    }

    #[test]
    fn every_kind_of_fault_is_shown_as_it_is_typed() {
        for text in [
            "latency=200ms,jitter=50ms,at=10s,for=5s",
            "latency=1s",
            "reset=5/s,for=2s",
            "reset=0.5/s",
            "reset=10%,at=1m",
            "throttle=10000",
            "blackhole,at=1s,for=500ms",
            "refuse",
        ] {
            let faults = parse(text).unwrap();
            let [fault] = &faults[..] else { panic!("{faults:?}") };
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn several_kinds_in_one_option_have_the_same_schedule() {
        let faults = parse("at=1s, latency=20ms ,reset=1/s,for=2s").unwrap();
        let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["latency=20ms,at=1s,for=2s", "reset=1/s,at=1s,for=2s"]);
    }

    #[test]
    fn an_invalid_fault_is_named_with_the_remedy() {
        for (text, part) in [
            ("lag=2s", "`lag` is not a kind of fault: the kinds are latency=TIME, reset"),
            ("", "`` is not a kind of fault: the kinds are"),
            ("at=1s", "`at=1s` has no kind of fault: the kinds are"),
            ("latency", "`latency` needs a time with a unit"),
            ("latency=200", "`latency` needs a time with a unit"),
            ("latency=0s", "`latency` must be longer than 0"),
            ("latency=10ms,jitter=11ms", "`jitter` must not be longer than `latency`"),
            ("refuse,jitter=11ms", "`jitter` needs `latency`"),
            ("reset=5", "`reset` needs connections per second, such as reset=5/s"),
            ("reset=0/s", "`reset` needs"),
            ("reset=101%", "`reset` needs"),
            ("reset=NaN/s", "`reset` needs"),
            ("throttle=0", "`throttle` needs bytes per second"),
            ("throttle=-1", "`throttle` needs bytes per second"),
            ("blackhole=5s", "`blackhole` has no value: its duration is for=TIME"),
            ("refuse,for=0s", "`for` must be longer than 0"),
            ("refuse,at=-1s", "`at` needs a time with a unit"),
            ("refuse,at=40days", "up to 30 days"),
            ("refuse,at=1s,at=2s", "`at` is given twice: add another --fault"),
            ("refuse,refuse", "`refuse` is given twice: add another --fault"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_fault_is_active_from_its_start_to_before_its_end() {
        let fault = &parse("refuse,at=2s,for=1s").unwrap()[0];
        let active =
            [1_999, 2_000, 2_999, 3_000].map(|millis| fault.is_active(Duration::from_millis(millis)));
        assert_eq!(active, [false, true, true, false]);
        let endless = &parse("refuse").unwrap()[0];
        assert!(endless.is_active(Duration::ZERO) && endless.is_active(MAX_DURATION));
    }
}
