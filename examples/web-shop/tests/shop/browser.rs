//! A real browser in front of the shop: login, cart, sessions, expiry, failures, and attacks that need a browser.

use crate::client::{ANN, BEN, get, log_in as log_in_without_browser, post, user};
use crate::gate::Gate;
use crate::program::{Service, Shop};
use axum::Router;
use axum::response::Html;
use axum::routing::get as route;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thirtyfour::prelude::*;
use tokio::net::TcpListener;

pub(crate) const COOKIE: &str = "__Host-session";

/// A browser with a separate profile.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    shop: String,
}

impl Browser {
    /// Starts a browser for the shop at this URL. Returns `None` without a WebDriver server.
    pub(crate) async fn start(shop: &str) -> Option<Self> {
        let Ok(server) = std::env::var("WEBDRIVER_URL") else {
            println!(
                "SKIPPED: the browser, because WEBDRIVER_URL is not set; examples/web-shop/run starts one"
            );
            return None;
        };
        let mut chrome = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            // Containers have no user namespaces for the sandbox, and little shared memory.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            // No traffic but to this machine.
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            "--window-size=1000,1000",
        ] {
            chrome.add_arg(argument).unwrap();
        }
        // After a failed test, the driver waits for this long.
        let driver =
            WebDriver::builder(server, chrome).request_timeout(Duration::from_secs(60)).await.unwrap();
        // The limit for elements that a page does not have yet.
        driver.set_implicit_wait_timeout(Duration::from_secs(20)).await.unwrap();
        Some(Self { driver, shop: shop.to_owned() })
    }

    pub(crate) async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.shop)).await.unwrap();
    }

    /// Waits for the page with this heading.
    pub(crate) async fn expect(&self, heading: &str) {
        if let Err(error) = self.driver.find(By::XPath(format!("//h1[.='{heading}']"))).await {
            let page = self.driver.source().await.unwrap();
            panic!("no heading `{heading}` on this page: {error}\n{page}");
        }
    }

    async fn fill_in(&self, login: &str, password: &str) {
        for (label, value) in [("User name", login), ("Password", password)] {
            // As a person does it, by the label.
            let label = self.driver.find(By::XPath(format!("//label[.='{label}']"))).await.unwrap();
            label.click().await.unwrap();
            let field = self.driver.active_element().await.unwrap();
            field.clear().await.unwrap();
            field.send_keys(value).await.unwrap();
        }
        self.click("Log in").await;
    }

    pub(crate) async fn log_in(&self, (login, password): (&str, &str)) {
        self.open("/login").await;
        self.expect("Log in").await;
        self.fill_in(login, password).await;
        self.expect("Shop").await;
    }

    /// Clicks the first button with this label.
    pub(crate) async fn click(&self, label: &str) {
        let path = format!("//main//button[.='{label}' or @aria-label='{label}']");
        self.driver.find(By::XPath(path)).await.unwrap().click().await.unwrap();
    }

    /// Adds a product, and waits until the cart has this number of pieces: a click can return before the next page is
    /// loaded.
    pub(crate) async fn add(&self, product: &str, pieces: u32) {
        self.click(&format!("Add to cart: {product}")).await;
        let row = format!("//tr[th='{product}'][td[@class='pieces']='{pieces}']");
        self.driver.find(By::XPath(row)).await.unwrap();
    }

    /// Returns the lines of the cart, such as `Book 2`.
    pub(crate) async fn cart(&self) -> Vec<String> {
        self.open("/").await;
        self.expect("Shop").await;
        let mut lines = Vec::new();
        let cart = self.driver.find(By::Id("cart")).await.unwrap();
        if cart.tag_name().await.unwrap() == "table" {
            for row in cart.find_all(By::Css("tbody tr")).await.unwrap() {
                let name = row.find(By::Css("th")).await.unwrap().text().await.unwrap();
                let pieces = row.find(By::Css(".pieces")).await.unwrap().text().await.unwrap();
                lines.push(format!("{name} {pieces}"));
            }
        }
        lines
    }

    /// Returns the session cookie as a header; `None` if the browser has none.
    pub(crate) async fn cookie(&self) -> Option<String> {
        let cookies = self.driver.get_all_cookies().await.unwrap();
        cookies
            .into_iter()
            .find(|cookie| cookie.name == COOKIE)
            .map(|cookie| format!("{COOKIE}={}", cookie.value))
    }

    /// Replaces the session cookie.
    async fn plant(&self, value: &str) {
        let mut cookie = Cookie::new(COOKIE, value);
        cookie.set_path("/");
        cookie.set_secure(true);
        self.driver.add_cookie(cookie).await.unwrap();
    }

    async fn screenshot(&self, name: &str) {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/web-shop"));
        std::fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    pub(crate) async fn quit(self) {
        self.driver.quit().await.unwrap();
    }
}

#[tokio::test]
async fn a_user_logs_in_and_out() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.open("/").await;
    browser.expect("Log in").await;
    browser.screenshot("login").await;
    browser.fill_in("ann", "wrong").await;
    browser.driver.find(By::Css("[role=alert]")).await.unwrap();
    browser.screenshot("wrong-password").await;
    assert_eq!(browser.cookie().await, None);

    browser.fill_in(ANN.0, ANN.1).await;
    browser.expect("Shop").await;
    let cookie = browser.driver.get_named_cookie(COOKIE).await.unwrap();
    assert_eq!((cookie.secure, cookie.http_only), (Some(true), Some(true)));
    let visible = browser.driver.execute("return document.cookie", Vec::new()).await.unwrap();
    assert_eq!(visible.json().as_str(), Some(""), "scripts do not see the cookie");

    let copy = browser.cookie().await.unwrap();
    browser.driver.find(By::XPath("//header//button[.='Log out']")).await.unwrap().click().await.unwrap();
    browser.expect("Log in").await;
    assert_eq!(browser.cookie().await, None);
    assert_eq!(user(&shop.url, &copy).await, None);
    // The page from the history is not shown again.
    browser.driver.back().await.unwrap();
    browser.expect("Log in").await;
    browser.quit().await;
}

#[tokio::test]
async fn a_login_leads_to_the_page_that_was_asked_for_on_this_site_only() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.open("/sessions").await;
    browser.expect("Log in").await;
    browser.fill_in("ann", "wrong").await;
    browser.driver.find(By::Css("[role=alert]")).await.unwrap();
    browser.fill_in(ANN.0, ANN.1).await;
    browser.expect("My sessions").await;
    for other_site in ["//evil.example/", "/%5Cevil.example/", "/%09/evil.example/", "https://evil.example/"]
    {
        browser.driver.delete_all_cookies().await.unwrap();
        browser.open(&format!("/login?next={other_site}")).await;
        browser.fill_in(ANN.0, ANN.1).await;
        browser.expect("Shop").await;
    }
    browser.quit().await;
}

#[tokio::test]
async fn the_cart_survives_a_restart_of_the_shop() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    assert_eq!(browser.cart().await, Vec::<String>::new());
    browser.add("Book", 1).await;
    browser.add("Book", 2).await;
    browser.add("Desk lamp", 1).await;
    assert_eq!(browser.cart().await, ["Book 2", "Desk lamp 1"]);
    browser.screenshot("cart").await;

    let _shop = shop.restart().await;
    assert_eq!(browser.cart().await, ["Book 2", "Desk lamp 1"]);
    browser.click("Remove: Book").await;
    browser.driver.find(By::XPath("//table[not(.//th='Book')]")).await.unwrap();
    assert_eq!(browser.cart().await, ["Desk lamp 1"]);
    browser.quit().await;
}

#[tokio::test]
async fn a_user_logs_out_everywhere() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(laptop) = Browser::start(&shop.url).await else { return };
    let phone = Browser::start(&shop.url).await.unwrap();
    // Ends the sessions of other tests.
    let ann = log_in_without_browser(&shop.url, ANN).await;
    post(&shop.url, "/sessions/log-out-everywhere", &ann, &[]).await;
    laptop.log_in(ANN).await;
    phone.log_in(ANN).await;
    let ben = log_in_without_browser(&shop.url, BEN).await;
    let copy = phone.cookie().await.unwrap();

    laptop.open("/sessions").await;
    laptop.expect("My sessions").await;
    laptop.screenshot("my-sessions").await;
    assert_eq!(laptop.driver.find_all(By::Css(".sessions li")).await.unwrap().len(), 2);
    laptop.click("Log out everywhere").await;
    laptop.expect("Log in").await;
    phone.open("/").await;
    phone.expect("Log in").await;
    assert_eq!(user(&shop.url, &copy).await, None, "copies of the cookie are useless");
    assert_eq!(user(&shop.url, &ben).await.as_deref(), Some("Ben"), "other users stay logged in");
    laptop.quit().await;
    phone.quit().await;
}

#[tokio::test]
async fn a_user_logs_out_one_other_browser() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(laptop) = Browser::start(&shop.url).await else { return };
    let phone = Browser::start(&shop.url).await.unwrap();
    // Ends the sessions of other tests.
    let ben = log_in_without_browser(&shop.url, BEN).await;
    post(&shop.url, "/sessions/log-out-everywhere", &ben, &[]).await;
    phone.log_in(BEN).await;
    laptop.log_in(BEN).await;
    laptop.open("/sessions").await;
    laptop.expect("My sessions").await;
    laptop.driver.find(By::XPath("//li[not(.//strong)]//button")).await.unwrap().click().await.unwrap();
    laptop.driver.find(By::XPath("//ul[count(li)=1]")).await.unwrap();
    phone.open("/").await;
    phone.expect("Log in").await;
    assert_eq!(laptop.cart().await, Vec::<String>::new(), "this browser is still logged in");
    laptop.quit().await;
    phone.quit().await;
}

#[tokio::test]
async fn an_idle_session_expires_in_the_browser_and_at_the_server() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &["--idle-timeout", "3s"]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    let cookie = browser.cookie().await.unwrap();
    // Requests for longer than the idle timeout keep the session.
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        browser.open("/").await;
        browser.expect("Shop").await;
    }
    // The browser deletes the cookie without a request to the shop.
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    while browser.cookie().await.is_some() {
        assert!(tokio::time::Instant::now() < limit, "the cookie does not expire");
    }
    assert_eq!(user(&shop.url, &cookie).await, None, "a copy of the cookie has expired, too");
    browser.open("/").await;
    browser.expect("Log in").await;
    browser.quit().await;
}

#[tokio::test]
async fn a_user_who_fills_the_cart_without_a_pause_stays_logged_in() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &["--idle-timeout", "3s"]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    // Each page follows a change, so none of them finds a session that is due for an extension.
    let start = tokio::time::Instant::now();
    browser.add("Desk lamp", 1).await;
    while start.elapsed() < Duration::from_secs(6) {
        browser.add("Book", 1).await;
        browser.click("Remove: Book").await;
        browser.driver.find(By::XPath("//table[not(.//th='Book')]")).await.unwrap();
    }
    assert_eq!(browser.cart().await, ["Desk lamp 1"]);
    browser.quit().await;
}

#[tokio::test]
async fn a_session_that_was_planted_in_the_browser_is_replaced_at_login() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    let attacker = log_in_without_browser(&shop.url, BEN).await;
    browser.open("/login").await;
    browser.plant(attacker.strip_prefix("__Host-session=").unwrap()).await;
    // A user who is logged in gets no login form, so it is sent from the shop.
    browser.open("/").await;
    browser.expect("Shop").await;
    let form = "document.body.innerHTML = '<main><form method=post action=/login><input name=login value=ann>\
                <input name=password value=\"apple pie\"><button>Log in</button></form></main>'";
    browser.driver.execute(form, Vec::new()).await.unwrap();
    browser.click("Log in").await;
    browser.expect("Shop").await;
    let cookie = browser.cookie().await.unwrap();
    assert_ne!(cookie, attacker);
    assert_eq!(user(&shop.url, &cookie).await.as_deref(), Some("Ann"));
    assert_eq!(user(&shop.url, &attacker).await, None);
    browser.quit().await;
}

#[tokio::test]
async fn a_cookie_with_white_space_before_its_name_is_not_the_session() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    let attacker = log_in_without_browser(&shop.url, BEN).await;
    browser.open("/login").await;
    for space in ["\u{2003}", "\u{a0}", "\u{85}"] {
        // The browser does not enforce the prefix `__Host-` for such a name, so a subdomain could set it, too.
        let plant = format!("document.cookie = '{space}{attacker}; Path=/; Domain=127.0.0.1'");
        browser.driver.execute(plant, Vec::new()).await.unwrap();
        let cookies = browser.driver.get_all_cookies().await.unwrap();
        let is_planted = cookies.iter().any(|cookie| cookie.name == format!("{space}{COOKIE}"));
        assert!(is_planted, "{space:?}: {cookies:?}");
        browser.open("/").await;
        browser.expect("Log in").await;
        browser.driver.delete_all_cookies().await.unwrap();
    }
    browser.quit().await;
}

#[tokio::test]
async fn a_changed_cookie_leads_to_the_login() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    let value = browser.cookie().await.unwrap().strip_prefix("__Host-session=").unwrap().to_owned();
    let last = if value.ends_with('0') { "1" } else { "0" };
    for changed in [
        format!("{}{last}", &value[..value.len() - 1]),
        value[value.len() - 32..].to_owned(),
        "a".repeat(4000),
    ] {
        browser.plant(&changed).await;
        browser.open("/").await;
        browser.expect("Log in").await;
    }
    browser.plant(&value).await;
    browser.open("/").await;
    browser.expect("Shop").await;
    browser.quit().await;
}

#[tokio::test]
async fn a_service_that_is_down_is_reported_and_the_login_survives() {
    let service = Service::find().await;
    let mut gate = Gate::open(&service.url).await;
    let shop = Shop::start(&gate.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    browser.add("Pen", 1).await;
    gate.close().await;
    browser.click("Add to cart: Pen").await;
    browser.expect("Please try again").await;
    browser.screenshot("service-down").await;
    let cookie = browser.cookie().await.expect("the cookie stays");
    assert_eq!(get(&shop.url, "/", &cookie).await.status, 503);
    gate.reopen().await;
    assert_eq!(browser.cart().await, ["Pen 1"]);
    browser.quit().await;
}

#[tokio::test]
async fn forms_of_other_pages_change_nothing() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    let page = Arc::new(format!(
        "<h1>Win a prize</h1><main><form method=post action='{}/cart/add'><button name=product value=lamp>Yes</button></form></main>",
        shop.url
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let foreign = Router::new().route("/", route(move || async move { Html((*page).clone()) }));
    let server = tokio::spawn(async move { axum::serve(listener, foreign).await });
    // For the browser, `localhost` is another site, so it sends no cookie. A port does not make another site.
    for host in ["localhost", "127.0.0.1"] {
        browser.driver.goto(format!("http://{host}:{port}/")).await.unwrap();
        browser.expect("Win a prize").await;
        browser.click("Yes").await;
        browser.expect("Not allowed").await;
    }
    browser.screenshot("foreign-form").await;
    assert_eq!(browser.cart().await, Vec::<String>::new());
    server.abort();
    browser.quit().await;
}
