//! Encoding and decoding alone, beside what one writes by hand with serde.

use crate::wire::{ADDRESS, CLIENT, Operation, USER_ID, USER_NAME, data};
use anyhow::Result;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use sessions_client::{
    DataPage, Operation as _, RawResponse, Response, SessionRef, SessionV1, Value, sessions_v1,
};
use std::hint::black_box;

/// What is done, and how often.
#[derive(Args, Debug)]
pub(crate) struct Codec {
    case: Case,
    #[arg(long)]
    times: u32,
}

/// What is encoded or decoded, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// The request of `open_session`, by the client.
    Encode,
    /// The body of the same, by a derived type.
    EncodeByHand,
    /// A session, by the client.
    Session,
    /// A session, by a derived type.
    SessionByHand,
    /// A page of 100, by the client.
    Page,
    /// A page of 100 that borrows from the answer, by the client.
    PageBorrowed,
    /// A page of 100, by a derived type.
    PageByHand,
}

impl Codec {
    pub(crate) fn run(&self) -> Result<()> {
        let data = data();
        let (session, page) = (Operation::OpenSession.answer(), Operation::GetSessions.answer());
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
                    let answer = RawResponse::new(sessions_v1::GET_SESSIONS, response(&page)?)?;
                    black_box(&answer.read::<DataPage<SessionRef<'_>>>()?);
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
