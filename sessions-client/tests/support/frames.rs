//! A server of HTTP/2 that writes the frames of its responses itself, as RFC 9113 describes them.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GO_AWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// Reasons of resets and of the end of a connection.
pub(crate) const NO_ERROR: u8 = 0;
pub(crate) const INTERNAL_ERROR: u8 = 2;
pub(crate) const REFUSED_STREAM: u8 = 7;
pub(crate) const ENHANCE_YOUR_CALM: u8 = 11;

/// Returns a frame. `flags` are those of the payload's kind.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns the frame that resets a stream.
pub(crate) fn reset(stream: u32, reason: u8) -> Vec<u8> {
    frame(RESET, 0, stream, &[0, 0, 0, reason])
}

/// Returns the frame that announces the end of a connection after the stream `last`.
pub(crate) fn go_away(last: u32, reason: u8) -> Vec<u8> {
    frame(GO_AWAY, 0, 0, &[&last.to_be_bytes()[..], &[0, 0, 0, reason]].concat())
}

/// Serves a connection with the frames that `respond` returns for the stream of each complete request.
pub(crate) async fn serve_frames(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut respond: impl FnMut(u32) -> Vec<u8> + Send,
) {
    stream.read_exact(&mut [0; 24]).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    while let Some(id) = next_request(&mut stream).await {
        if stream.write_all(&respond(id)).await.is_err() {
            return;
        }
    }
}

/// Reads frames until a request is complete, and returns its stream; `None` if the client has closed the connection.
/// Acknowledges settings and pings meanwhile.
pub(crate) async fn next_request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<u32> {
    loop {
        let frame_in = next_frame(stream).await?;
        let is_flagged = frame_in.flags & 1 == 1;
        let response = match frame_in.kind {
            SETTINGS if !is_flagged => frame(SETTINGS, 1, 0, &[]),
            PING if !is_flagged => frame(PING, 1, 0, &frame_in.payload),
            HEADERS | DATA if is_flagged => return Some(frame_in.stream),
            _ => continue,
        };
        stream.write_all(&response).await.ok()?;
    }
}

/// A frame of the client.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// Reads a frame; `None` if the client has closed the connection.
pub(crate) async fn next_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.ok()?;
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream: id, payload })
}

/// The flags of the last frame of a stream, and of a frame with all headers.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The payload of the largest frame that a client accepts by default.
const MAX_PAYLOAD: usize = 16 << 10;

/// Returns the frame with the headers or the trailers of a response, without compression.
pub(crate) fn headers(stream: u32, flags: u8, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for part in [name, value] {
            // An integer with a prefix of seven bits.
            match part.len().checked_sub(127) {
                None => block.push(u8::try_from(part.len()).unwrap()),
                Some(rest) => {
                    assert!(rest < 1 << 14, "the header is too large");
                    let low = u8::try_from(rest & 0x7f).unwrap();
                    block.extend([127, low | 0x80, u8::try_from(rest >> 7).unwrap()]);
                }
            }
            block.extend(part.as_bytes());
        }
    }
    frame(HEADERS, END_HEADERS | flags, stream, &block)
}

/// Returns frames with a body.
pub(crate) fn data(stream: u32, body: &[u8]) -> Vec<u8> {
    body.chunks(MAX_PAYLOAD).flat_map(|chunk| frame(DATA, 0, stream, chunk)).collect()
}
