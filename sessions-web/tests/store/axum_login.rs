//! axum-login over the store: login, a protected page, logout, and the id that changes at login.

use crate::browser::Browser;
use crate::services::{Service, services};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use serde::Deserialize;
use sessions_client::{FilterParams, ISessionsV1};
use sessions_web::axum_login_user_id;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tower_sessions::session::Id;
use tower_sessions::{Session, SessionManagerLayer};

type AuthSession = axum_login::AuthSession<Users>;

#[derive(Clone, Debug)]
struct User {
    id: i64,
    /// Compared by axum-login in each request. In a real application it is the hash of the password.
    hash: Vec<u8>,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.hash
    }
}

#[derive(Clone, Deserialize)]
struct Credentials {
    id: i64,
    password: String,
}

/// One user, whose password can be changed.
#[derive(Clone, Debug)]
struct Users(Arc<Mutex<User>>);

impl Users {
    fn new(password: &str) -> Self {
        // Not exact as a double, and different in each test, since the real service keeps the sessions of all.
        let id = 9_007_199_254_740_993 + i64::from(std::process::id()) * 1024 + i64::from(rand_id());
        Self(Arc::new(Mutex::new(User { id, hash: password.into() })))
    }

    fn id(&self) -> i64 {
        self.0.lock().unwrap().id
    }

    fn form(&self, password: &str) -> String {
        format!("id={}&password={password}", self.id())
    }
}

fn rand_id() -> u16 {
    (Id::default().0 & 0x3fe).try_into().unwrap()
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, Infallible> {
        let user = self.0.lock().unwrap().clone();
        Ok(Some(user)
            .filter(|user| user.id == credentials.id && user.hash == credentials.password.as_bytes()))
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, Infallible> {
        Ok(Some(self.0.lock().unwrap().clone()).filter(|user| user.id == *id))
    }
}

async fn log_in(mut auth: AuthSession, Form(credentials): Form<Credentials>) -> Response {
    let Some(user) = auth.authenticate(credentials).await.unwrap() else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    auth.login(&user).await.unwrap();
    Redirect::to("/").into_response()
}

async fn log_out(mut auth: AuthSession) -> Redirect {
    auth.logout().await.unwrap();
    Redirect::to("/login")
}

fn app(service: &Service, users: &Users) -> Router {
    let store = service.store().with_user_id(axum_login_user_id);
    let sessions = SessionManagerLayer::new(store);
    let auth = AuthManagerLayerBuilder::new(users.clone(), sessions).build();
    Router::new()
        .route("/", get(|auth: AuthSession| async move { auth.user.unwrap().id.to_string() }))
        .route_layer(login_required!(Users, login_url = "/login"))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route(
            "/color/{name}",
            get(|session: Session, Path(name): Path<String>| async move {
                session.insert("color", name).await.unwrap();
            }),
        )
        .route(
            "/color",
            get(|session: Session| async move {
                session.get::<String>("color").await.unwrap().unwrap_or_default()
            }),
        )
        .layer(auth)
}

fn id(browser: &Browser) -> Id {
    browser.cookie.as_deref().unwrap().strip_prefix("id=").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_visitor_is_sent_to_the_login_page() {
    for service in services().await {
        let users = Users::new("secret");
        let mut browser = Browser::new(&app(&service, &users));
        let page = browser.get("/").await;
        assert_eq!(
            (page.status, page.location.as_deref()),
            (StatusCode::TEMPORARY_REDIRECT, Some("/login?next=%2F"))
        );
        assert_eq!(browser.post("/login", &users.form("wrong")).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.cookie, None);
    }
}

#[tokio::test]
async fn a_user_logs_in_and_out() {
    for service in services().await {
        let users = Users::new("secret");
        let mut browser = Browser::new(&app(&service, &users));
        let page = browser.post("/login", &users.form("secret")).await;
        assert_eq!((page.status, page.location.as_deref()), (StatusCode::SEE_OTHER, Some("/")));
        let page = browser.get("/").await;
        assert_eq!((page.status, page.body), (StatusCode::OK, users.id().to_string()));

        let mut copy = Browser::new(&app(&service, &users));
        copy.cookie.clone_from(&browser.cookie);
        browser.post("/logout", "").await;
        assert_eq!(browser.cookie, None);
        assert_eq!(
            copy.get("/").await.status,
            StatusCode::TEMPORARY_REDIRECT,
            "copies of the cookie are useless"
        );
    }
}

#[tokio::test]
async fn two_instances_share_logins_data_and_logouts() {
    for service in services().await {
        let users = Users::new("secret");
        let mut first = Browser::new(&app(&service, &users));
        let mut second = Browser::new(&app(&service, &users));
        first.post("/login", &users.form("secret")).await;
        let logged_in = id(&first);
        second.cookie.clone_from(&first.cookie);
        second.get("/color/red").await;
        assert_eq!(first.get("/color").await.body, "red");
        assert_eq!(id(&second), logged_in);

        second.post("/logout", "").await;
        assert_eq!(first.get("/").await.status, StatusCode::TEMPORARY_REDIRECT);
        // A change by the other instance opens a session of a visitor, and revives nothing.
        first.get("/color/blue").await;
        assert_ne!(id(&first), logged_in);
        assert_eq!(first.get("/").await.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(service.session(logged_in).await, None);
    }
}

#[tokio::test]
async fn a_login_changes_the_id_and_keeps_the_data() {
    for service in services().await {
        let users = Users::new("secret");
        let app = app(&service, &users);
        let mut browser = Browser::new(&app);
        browser.get("/color/red").await;
        let before = id(&browser);
        assert_eq!(service.session(before).await.unwrap().user_id.as_deref(), Some("anonymous"));

        browser.post("/login", &users.form("secret")).await;
        assert_ne!(id(&browser), before);
        assert_eq!(service.session(before).await, None);
        assert_eq!(browser.get("/color").await.body, "red");

        let mut attacker = Browser::new(&app);
        attacker.cookie = Some(format!("id={before}"));
        assert_eq!(attacker.get("/").await.status, StatusCode::TEMPORARY_REDIRECT);
    }
}

#[tokio::test]
async fn the_service_lists_the_sessions_of_a_user() {
    for service in services().await {
        let users = Users::new("secret");
        let app = app(&service, &users);
        let (mut phone, mut laptop) = (Browser::new(&app), Browser::new(&app));
        phone.post("/login", &users.form("secret")).await;
        laptop.post("/login", &users.form("secret")).await;
        let filter = FilterParams::new().user_id(users.id().to_string());
        let page = service.sessions.get_sessions(None, Some(&filter), None).await.unwrap();
        assert_eq!(page.data.len(), 2);

        // Log out everywhere.
        for session in page.data {
            service.sessions.delete_session_by_id(None, &session.id).await.unwrap();
        }
        for browser in [&mut phone, &mut laptop] {
            assert_eq!(browser.get("/").await.status, StatusCode::TEMPORARY_REDIRECT);
        }
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_login() {
    for service in services().await {
        let users = Users::new("secret");
        let mut browser = Browser::new(&app(&service, &users));
        browser.post("/login", &users.form("secret")).await;
        let before = id(&browser);
        users.0.lock().unwrap().hash = "new".into();
        assert_eq!(browser.get("/").await.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(service.session(before).await, None);
    }
}
