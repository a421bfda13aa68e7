//! Hand-written clients over reqwest.

use super::Caller;
use crate::wire::{GetSessions, OpenSession, Operation, Page, Session, data};
use anyhow::Result;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use serde_json::Value;

/// The usual code: `.post(url).json(&body).send().await?.json().await?`.
pub(super) struct AsWritten {
    client: Client,
    url: String,
    data: Value,
}

impl Caller for AsWritten {
    async fn first(url: &str) -> Result<Self> {
        Ok(Self { client: Client::new(), url: url.to_owned(), data: data() })
    }

    async fn another(&self) -> Result<Self> {
        Ok(Self { client: self.client.clone(), url: self.url.clone(), data: self.data.clone() })
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        let request = self.client.post(format!("{}{}", self.url, operation.path()));
        Ok(match operation {
            Operation::OpenSession => {
                let response =
                    request.json(&OpenSession::new(&self.data)).send().await?.error_for_status()?;
                usize::from(!response.json::<Session>().await?.id.is_empty())
            }
            Operation::GetSessions => {
                let response = request.json(&GetSessions::new()).send().await?.error_for_status()?;
                response.json::<Page>().await?.data.len()
            }
        })
    }
}

/// Tuned code: everything that does not change between calls is parsed and built once.
pub(super) struct Careful {
    client: Client,
    open_session: Url,
    get_sessions: Url,
    data: Value,
}

impl Caller for Careful {
    async fn first(url: &str) -> Result<Self> {
        let url = |operation: Operation| Url::parse(&format!("{url}{}", operation.path()));
        Ok(Self {
            client: Client::new(),
            open_session: url(Operation::OpenSession)?,
            get_sessions: url(Operation::GetSessions)?,
            data: data(),
        })
    }

    async fn another(&self) -> Result<Self> {
        Ok(Self {
            client: self.client.clone(),
            open_session: self.open_session.clone(),
            get_sessions: self.get_sessions.clone(),
            data: self.data.clone(),
        })
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        let url = match operation {
            Operation::OpenSession => &self.open_session,
            Operation::GetSessions => &self.get_sessions,
        };
        let mut request = Request::new(Method::POST, url.clone());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(operation.body(&self.data)?.into());
        let response = self.client.execute(request).await?.error_for_status()?;
        operation.read(&response.bytes().await?)
    }
}
