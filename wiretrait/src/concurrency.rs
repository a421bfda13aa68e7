//! Guide: which forms of concurrent calls compile in a spawned task.
//!
//! The future of a call borrows the client and the arguments, and is `Send`. All forms on this page therefore work
//! for a client, `Arc<impl Api>` and `Arc<dyn DynApi>` alike, and are used in a task of a runtime with threads, as
//! with `tokio::spawn`.
//!
//! | calls | form |
//! |---|---|
//! | a few, of different operations | [`try_join!`](#a-few-calls) |
//! | one for each element of a list | [`try_join_all`, `FuturesUnordered`](#one-call-for-each-element) |
//! | the same, but at most `n` at a time | [`buffer_unordered`](#a-limited-number-at-a-time), not over a closure with borrowed elements |
//! | each in its own task | [`JoinSet`](#one-task-for-each-call) with clones |
//! | one after another, as a stream | [`try_unfold`](#a-stream-of-calls) |
//!
//! # A few calls
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use std::sync::Arc;
//! # fn spawned(books: Arc<dyn DynBooks>) {
//! tokio::spawn(async move { tokio::try_join!(books.find(1), books.list(), books.add("Emma")) });
//! # }
//! ```
//!
//! # One call for each element
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use futures_util::{TryStreamExt, future::try_join_all, stream::FuturesUnordered};
//! # use std::sync::Arc;
//! # fn spawned(books: Arc<dyn DynBooks>, titles: Vec<String>) {
//! tokio::spawn(async move {
//!     // In the order of the titles.
//!     let added = try_join_all(titles.iter().map(|title| books.add(title))).await?;
//!     // In the order of the responses.
//!     let mut calls: FuturesUnordered<_> = added.iter().map(|book| books.find(book.id)).collect();
//!     while let Some(found) = calls.try_next().await? {
//!         println!("{found:?}");
//!     }
//!     Ok::<_, wiretrait::Error>(())
//! });
//! # }
//! ```
//!
//! # A limited number at a time
//!
//! A closure over *owned* elements returns the call, or an `async` block that owns the element:
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use futures_util::{StreamExt, TryStreamExt, stream};
//! # use std::sync::Arc;
//! # fn spawned(books: Arc<dyn DynBooks>, ids: Vec<u64>, titles: Vec<String>) {
//! tokio::spawn(async move {
//!     let found: Vec<_> =
//!         stream::iter(ids).map(|id| books.find(id)).buffer_unordered(4).try_collect().await?;
//!     let books = &books;
//!     let added: Vec<_> = stream::iter(titles)
//!         .map(|title| async move { books.add(&title).await })
//!         .buffer_unordered(4)
//!         .try_collect()
//!         .await?;
//!     Ok::<_, wiretrait::Error>((found, added))
//! });
//! # }
//! ```
//!
//! Over *borrowed* elements, this closure does not compile in a spawned task, whichever client it calls
//! (`implementation of FnOnce is not general enough`, a limit of rustc):
//!
//! ```compile_fail
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use futures_util::{StreamExt, TryStreamExt, stream};
//! # use std::sync::Arc;
//! # fn spawned(books: Arc<dyn DynBooks>, titles: Vec<String>) {
//! tokio::spawn(async move {
//!     stream::iter(&titles).map(|title| books.add(title)).buffer_unordered(4).try_collect::<Vec<_>>().await
//! });
//! # }
//! ```
//!
//! Neither does `stream::iter(titles.iter().map(…))`, nor an `async` closure. Collect the calls first. They are not sent
//! before the stream polls them:
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use futures_util::{StreamExt, TryStreamExt, stream};
//! # use std::sync::Arc;
//! # fn spawned(books: Arc<dyn DynBooks>, titles: Vec<String>) {
//! tokio::spawn(async move {
//!     let calls: Vec<_> = titles.iter().map(|title| books.add(title)).collect();
//!     stream::iter(calls).buffer_unordered(4).try_collect::<Vec<_>>().await
//! });
//! # }
//! ```
//!
//! # One task for each call
//!
//! A task owns what it uses, and a call borrows its client, so it cannot be spawned itself:
//!
//! ```compile_fail
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use std::sync::Arc;
//! # fn spawned(books: Arc<dyn DynBooks>) {
//! tokio::spawn(books.find(1));
//! # }
//! ```
//!
//! Give each task a clone. Clones of a client share its connections:
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use std::sync::Arc;
//! # async fn spawned(books: Arc<dyn DynBooks>, titles: Vec<String>) {
//! let mut calls = tokio::task::JoinSet::new();
//! for title in titles {
//!     let books = Arc::clone(&books);
//!     calls.spawn(async move { books.add(&title).await });
//! }
//! let added = calls.join_all().await;
//! # drop(added);
//! # }
//! ```
//!
//! # A stream of calls
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, DynBooks};
//! # use futures_util::{TryStreamExt, stream};
//! # use std::{pin::pin, sync::Arc};
//! # fn spawned(books: Arc<dyn DynBooks>) {
//! tokio::spawn(async move {
//!     let books = &books;
//!     let found = stream::try_unfold(1, |id| async move {
//!         let book = books.find(id).await?;
//!         Ok::<_, wiretrait::Error>(book.map(|book| (book, id + 1)))
//!     });
//!     let mut found = pin!(found);
//!     while let Some(book) = found.try_next().await? {
//!         println!("{}", book.title);
//!     }
//!     Ok::<_, wiretrait::Error>(())
//! });
//! # }
//! ```
