//! One direction of a connection: bytes that are delayed, held back, or slowed down by the faults in effect.

use super::active::Active;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// The size of a chunk, and the number of delayed chunks of one direction.
const CHUNK_BYTES: usize = 16 * 1024;
const MAX_CHUNKS: usize = 64;

/// The parts of a second in which a limited direction sends.
const PARTS: u64 = 20;

/// Bytes with the moment at which they are forwarded.
type Chunk = (Instant, Vec<u8>);

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// Forwards all bytes of `reader` and its end.
///
/// # Errors
///
/// If one of the two fails.
pub(super) async fn pump<R, W>(
    reader: R,
    writer: W,
    direction: Direction,
    active: watch::Receiver<Active>,
    random: fastrand::Rng,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (sender, receiver) = mpsc::channel(MAX_CHUNKS);
    let reading = read(reader, sender, direction, active.clone(), random);
    tokio::try_join!(reading, write(writer, receiver, active)).map(|_| ())
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    chunks: mpsc::Sender<Chunk>,
    direction: Direction,
    active: watch::Receiver<Active>,
    mut random: fastrand::Rng,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut last = Instant::now();
    loop {
        let length = reader.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let delay = match direction {
            Direction::Request => Duration::ZERO,
            Direction::Response => delay(&active.borrow(), &mut random),
        };
        // Jitter must not change the order.
        last = last.max(Instant::now() + delay);
        if chunks.send((last, buffer[..length].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

fn delay(active: &Active, random: &mut fastrand::Rng) -> Duration {
    (active.delay + active.jitter.mul_f64(2.0 * random.f64())).saturating_sub(active.jitter)
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut chunks: mpsc::Receiver<Chunk>,
    mut active: watch::Receiver<Active>,
) -> io::Result<()> {
    while let Some((due, bytes)) = chunks.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            wait_until_forwarding(&mut active).await;
            let limit = active.borrow().bytes_per_s;
            let part =
                limit.map_or(usize::MAX, |rate| usize::try_from(rate.div_ceil(PARTS)).unwrap_or(usize::MAX));
            let (now, later) = rest.split_at(part.min(rest.len()));
            writer.write_all(now).await?;
            if let Some(rate) = limit {
                sleep(transmission_time(now.len(), rate)).await;
            }
            rest = later;
        }
    }
    wait_until_forwarding(&mut active).await;
    writer.shutdown().await
}

#[expect(clippy::cast_precision_loss, reason = "a time in a simulated network")]
fn transmission_time(bytes: usize, bytes_per_s: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / bytes_per_s as f64)
}

/// Waits while nothing is forwarded.
pub(super) async fn wait_until_forwarding(active: &mut watch::Receiver<Active>) {
    // An error means that the injection was dropped, with all its connections.
    let _ = active.wait_for(|active| !active.is_blackhole).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::timeout;

    /// A direction between two streams in memory, and the faults in effect.
    fn forwarded(
        direction: Direction,
        active: Active,
    ) -> (DuplexStream, DuplexStream, watch::Sender<Active>) {
        let ((near, inner), (outer, far)) = (duplex(1 << 20), duplex(1 << 20));
        let (faults, receiver) = watch::channel(active);
        tokio::spawn(
            async move { pump(inner, outer, direction, receiver, fastrand::Rng::with_seed(1)).await },
        );
        (near, far, faults)
    }

    async fn received(far: &mut DuplexStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        far.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_fault_bytes_and_end_are_forwarded_unchanged() {
        let (mut near, mut far, _faults) = forwarded(Direction::Response, Active::default());
        let start = Instant::now();
        let sent: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        near.write_all(&sent).await.unwrap();
        near.shutdown().await.unwrap();
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).await.unwrap();
        assert!(bytes == sent && start.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn responses_are_delayed_and_requests_are_not() {
        let latency = Active { delay: Duration::from_millis(200), ..Active::default() };
        for (direction, expected) in [(Direction::Request, 0), (Direction::Response, 200)] {
            let (mut near, mut far, _faults) = forwarded(direction, latency.clone());
            let start = Instant::now();
            near.write_all(b"one").await.unwrap();
            assert_eq!(received(&mut far, 3).await, b"one");
            assert_eq!(start.elapsed(), Duration::from_millis(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jitter_varies_the_delay_and_keeps_the_order() {
        let (delay, jitter) = (Duration::from_millis(200), Duration::from_millis(100));
        let (mut near, mut far, _faults) =
            forwarded(Direction::Response, Active { delay, jitter, ..Active::default() });
        let mut delays = Vec::new();
        for byte in 0..50 {
            let start = Instant::now();
            near.write_all(&[byte]).await.unwrap();
            assert_eq!(received(&mut far, 1).await, [byte]);
            delays.push(start.elapsed());
        }
        let (shortest, longest) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        // The clock of tokio has a resolution of a millisecond.
        assert!(
            *shortest + jitter >= delay && *longest <= delay + jitter + Duration::from_millis(1),
            "{delays:?}"
        );
        assert!(*longest > *shortest + jitter, "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_direction_takes_the_time_of_its_bytes() {
        let throttle = Active { bytes_per_s: Some(1_000), ..Active::default() };
        let (mut near, mut far, _faults) = forwarded(Direction::Request, throttle);
        let start = Instant::now();
        near.write_all(&[7; 2_050]).await.unwrap();
        received(&mut far, 2_050).await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_blackhole_holds_bytes_and_the_end_until_it_is_over() {
        let blackhole = Active { is_blackhole: true, ..Active::default() };
        let (mut near, mut far, faults) = forwarded(Direction::Request, blackhole);
        near.write_all(b"one").await.unwrap();
        near.shutdown().await.unwrap();
        let held = timeout(Duration::from_secs(600), far.read_u8()).await;
        assert!(held.is_err(), "{held:?}");
        faults.send_replace(Active::default());
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"one");
    }
}
