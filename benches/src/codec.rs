//! Encoding and decoding without a network, compared with hand-written serde types.

use crate::wire::{ADDRESS, CLIENT, Operation, USER_ID, USER_NAME, data};
use anyhow::Result;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use sessions_client::{
    DataPage, Operation as _, RawResponse, Response, SessionRef, SessionV1, Value, sessions_v1,
};
use std::hint::black_box;

/// The arguments of `codec`.
#[derive(Args, Debug)]
pub(crate) struct Codec {
    case: Case,
    /// Number of iterations
    #[arg(long)]
    times: u32,
}

/// A message to encode or decode, and the implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// Encodes the request of `open_session` with the client.
    Encode,
    /// Encodes the body of the same request with a derived type.
    EncodeByHand,
    /// Decodes a session with the client.
    Session,
    /// Decodes a session with a derived type.
    SessionByHand,
    /// Decodes a page of 100 sessions with the client.
    Page,
    /// Decodes a page of 100 sessions, which borrows from the response, with the client.
    PageBorrowed,
    /// Decodes a page of 100 sessions with a derived type.
    PageByHand,
}

impl Codec {
    pub(crate) fn run(&self) -> Result<()> {
        let data = data();
        let (session, page) = (Operation::OpenSession.response(), Operation::GetSessions.response());
        for _ in 0..self.times {
            match self.case {
                Case::Encode => drop(black_box(operation(black_box(&data)).encode()?)),
                Case::EncodeByHand => drop(black_box(Operation::OpenSession.body(black_box(&data))?)),
                Case::Session => {
                    let session: SessionV1 =
                        sessions_v1::OpenSession::<Value, Value>::decode(response(&session)?)?;
                    black_box(session);
                }
                Case::SessionByHand => {
                    black_box(Operation::OpenSession.read(black_box(&session))?);
                }
                Case::Page => {
                    let page: DataPage<SessionV1> = sessions_v1::GetSessions::decode(response(&page)?)?;
                    black_box(page);
                }
                Case::PageBorrowed => {
                    let response = RawResponse::new(sessions_v1::GET_SESSIONS, response(&page)?)?;
                    black_box(&response.read::<DataPage<SessionRef<'_>>>()?);
                }
                Case::PageByHand => {
                    black_box(Operation::GetSessions.read(black_box(&page))?);
                }
            }
        }
        Ok(())
    }
}

fn operation(data: &Value) -> sessions_v1::OpenSession<'_, Value, Value> {
    sessions_v1::OpenSession::new(USER_ID).user_name(USER_NAME).address(ADDRESS).client(CLIENT).data(data)
}

fn response(body: &Bytes) -> Result<Response> {
    Ok(http::Response::builder().header("content-type", "application/json").body(black_box(body).clone())?)
}
