//! Recorded traffic: a recorder, a replay without a network, and a mock service.

mod entry;
mod library;
mod mock;
mod recording;
mod replay;
mod secrets;
mod users;

pub use library::{Recorded, RecordedEnd, RecordedRun, RecordingError};
pub use mock::MockService;
pub(crate) use mock::NOT_RECORDED;
pub use recording::{Recording, RecordingTransport};
pub use replay::replay;
