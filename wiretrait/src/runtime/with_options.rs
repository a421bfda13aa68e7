//! Options for the calls of any implementation of a contract.
//!
//! A trait object cannot pass options on, and neither can a decorator that a user has written. So the options
//! are in a thread-local scope while the future of a call is polled, and the [`Caller`](super::Caller) at the
//! end reads them when its call starts.
//!
//! Rejected alternative: an argument of each method, because every implementation and every call would have
//! one, most of them without options.

use super::{CallOptions, Contract};
use pin_project_lite::pin_project;
use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A view of an implementation of a contract, whose calls use [`CallOptions`]. It implements the contract
/// itself.
///
/// Generated clients and trait objects return views from their method `with`. This type is for other
/// implementations, and for an owned view.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, DynBooks};
/// use std::sync::Arc;
/// use std::time::Duration;
/// use wiretrait::{CallOptions, Result, WithOptions};
///
/// async fn find(books: Arc<dyn DynBooks>, token: &str) -> Result<()> {
///     books.with(CallOptions::new().token(token)).find(1).await?;
///     Ok(())
/// }
///
/// async fn find_soon(books: &impl Books) -> Result<()> {
///     let options = CallOptions::new().deadline(Duration::from_secs(1));
///     WithOptions::new(books, options).find(1).await?;
///     Ok(())
/// }
/// ```
///
/// The options apply to all calls of the same contract that the implementation makes in the task of the call,
/// such as the calls of a client in a decorator. They do not apply to calls of other contracts, to calls in
/// tasks that the implementation spawns, or to implementations that make no calls, such as one in memory.
///
/// If several options are set, the outermost take precedence: those of the last `with`, then those of views
/// inside of the implementation, then those of its client.
#[derive(Clone, Debug)]
pub struct WithOptions<S> {
    service: S,
    options: CallOptions,
}

impl<S> WithOptions<S> {
    /// Creates a view of `service`, an implementation of a contract or a pointer to one, whose calls use
    /// `options`.
    pub fn new(service: S, options: CallOptions) -> Self {
        Self { service, options }
    }

    /// Returns a view with `options`. Options that are not set are those of this view.
    pub fn with(&self, options: CallOptions) -> WithOptions<&S> {
        WithOptions { service: &self.service, options: options.or(self.options.clone()) }
    }

    /// Returns the implementation. A function without a receiver, since an operation may have this name.
    pub fn get_ref(this: &Self) -> &S {
        &this.service
    }

    /// Puts the options in scope for calls of `contract`, until the guard is dropped or [finished](Entry::finish).
    pub(super) fn enter(&self, contract: &'static Contract) -> Entry {
        let options = in_scope(contract, &self.options).unwrap_or_else(|| self.options.clone());
        let mut scope = Some(Scope { contract, options });
        exchange(&mut scope);
        Entry { other: scope, is_entered: true }
    }
}

/// Options that are in scope while a call is created.
pub struct Entry {
    /// The scope outside of this one; after its end, this one.
    other: Option<Scope>,
    is_entered: bool,
}

impl Entry {
    /// Ends the scope, and returns a future that has the options in scope whenever it is polled.
    pub(super) fn finish<F: Future>(mut self, future: F) -> Scoped<F> {
        self.leave();
        Scoped { future, scope: self.other.take() }
    }

    fn leave(&mut self) {
        if mem::take(&mut self.is_entered) {
            exchange(&mut self.other);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Omits the options, which may contain a token.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

/// The options of the calls of a contract.
struct Scope {
    contract: &'static Contract,
    options: CallOptions,
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Returns the options in scope for calls of `contract`, with those of `own` where they are not set; `None` if no
/// options are in scope.
pub(super) fn in_scope(contract: &Contract, own: &CallOptions) -> Option<CallOptions> {
    // The storage is gone only while a thread ends.
    let outer = SCOPE.try_with(|scope| {
        let scope = scope.borrow();
        scope.as_ref().filter(|scope| scope.contract == contract).map(|scope| scope.options.clone())
    });
    outer.ok().flatten().map(|outer| outer.or(own.clone()))
}

/// Exchanges a scope with that of the thread, and back when it is dropped.
struct Entered<'s>(&'s mut Option<Scope>);

impl<'s> Entered<'s> {
    fn new(scope: &'s mut Option<Scope>) -> Self {
        exchange(scope);
        Self(scope)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        exchange(self.0);
    }
}

/// Exchanges a scope with that of the thread.
fn exchange(other: &mut Option<Scope>) {
    let _ = SCOPE.try_with(|scope| mem::swap(&mut *scope.borrow_mut(), other));
}

pin_project! {
    /// A future with options in scope.
    pub struct Scoped<F> {
        #[pin]
        future: F,
        scope: Option<Scope>,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.scope);
        this.future.poll(context)
    }
}
