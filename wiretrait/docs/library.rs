// The contract of the documentation's examples, which include this file as `mod library`.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use wiretrait::{Result, http_api};

/// The books of a library.
#[http_api(prefix = "/v1", client = BooksClient, module = books)]
pub trait Books {
    /// Adds a book.
    #[post("/books")]
    async fn add(&self, #[field] title: &str) -> Result<Book>;

    /// Returns all books.
    #[get("/books")]
    async fn list(&self) -> Result<Vec<Book>>;

    /// Finds a book by its id.
    #[get("/books/{id}")]
    async fn find(&self, id: u64) -> Result<Option<Book>>;

    /// Changes the title of a book.
    #[put("/books/{id}/title")]
    async fn rename(&self, id: u64, #[body] title: &str) -> Result<Option<Book>>;
}

/// A book.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Book {
    pub id: u64,
    pub title: String,
}

/// An implementation in memory.
#[derive(Debug, Default)]
pub struct Library(Mutex<Vec<Book>>);

impl Library {
    fn with<T>(&self, f: impl FnOnce(&mut Vec<Book>) -> T) -> Result<T> {
        Ok(f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Books for Library {
    async fn add(&self, title: &str) -> Result<Book> {
        self.with(|books| {
            let book = Book { id: books.len() as u64 + 1, title: title.to_owned() };
            books.push(book.clone());
            book
        })
    }

    async fn list(&self) -> Result<Vec<Book>> {
        self.with(|books| books.clone())
    }

    async fn find(&self, id: u64) -> Result<Option<Book>> {
        self.with(|books| books.iter().find(|book| book.id == id).cloned())
    }

    async fn rename(&self, id: u64, title: &str) -> Result<Option<Book>> {
        self.with(|books| {
            let book = books.iter_mut().find(|book| book.id == id)?;
            book.title = title.to_owned();
            Some(book.clone())
        })
    }
}
