//! The scenarios of the load test.

use crate::contract::{Settings, SettingsClient, settings_v1};
use loadtest::{IterationResult, LoadTest, LoadTransport, VirtualUser};
use pip_services::FilterParams;
use std::collections::BTreeMap;

/// A virtual user.
pub type User = VirtualUser<SettingsClient<LoadTransport>>;

/// Sets a section of the user, counts in it, and reads it.
async fn change(user: &mut User) -> IterationResult {
    let id = user.id();
    let parameters = BTreeMap::from([("visits".to_owned(), Some("1".to_owned()))]);
    let set = user.client().set_section(None, &id, &parameters).await?;
    user.check_eq("a section is as it was set", &set, &parameters)?;
    user.think().await?;
    user.client().modify_section(None, &id, None, Some(&parameters)).await?;
    user.think().await?;
    let section = user.client().get_section_by_id(None, &id).await?;
    let visits = section.get("visits").cloned().flatten();
    user.check_eq("an increment is added", &visits.as_deref(), &Some("2"))
}

/// Lists the sections of the user.
async fn list(user: &mut User) -> IterationResult {
    let id = user.id();
    let filter = FilterParams::new().set("id_starts", &*id);
    let page = user.client().get_sections(None, Some(&filter), None).await?;
    user.check(
        "a listed section matches the filter",
        page.data.iter().all(|section| section.id.starts_with(&id)),
    )?;
    let ids = user.client().get_section_ids(None, Some(&filter), None).await?;
    user.check_eq("both lists have the same length", &ids.data.len(), &page.data.len())
}

/// The load test: of four users, three change sections and one lists them.
pub fn load_test() -> LoadTest<SettingsClient<LoadTransport>> {
    LoadTest::new("settings", settings_v1::ROUTES, SettingsClient::from_caller)
        .weighted_scenario("change", 3, change)
        .weighted_scenario("list", 1, list)
}
