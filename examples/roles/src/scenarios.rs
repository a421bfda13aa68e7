//! The scenarios of the load test.

use crate::contract::{Roles, RolesClient, roles_v1};
use loadtest::{IterationResult, LoadTest, LoadTransport, VirtualUser};
use pip_services::FilterParams;

/// A virtual user.
pub type User = VirtualUser<RolesClient<LoadTransport>>;

/// Sets the roles of a user, grants one, revokes it, and asks each time whether the user has it.
async fn change(user: &mut User) -> IterationResult {
    let id = user.id();
    let (first, second) = (["reader".to_owned()], ["editor".to_owned()]);
    let set = user.client().set_roles(None, &id, &first).await?;
    user.check_eq("roles are as they were set", &set.as_slice(), &first.as_slice())?;
    user.think().await?;
    user.client().grant_roles(None, &id, &second).await?;
    let granted = user.client().authorize(None, &id, &second).await?;
    user.check_eq("a granted role is authorized", &granted, &Some(true))?;
    user.think().await?;
    user.client().revoke_roles(None, &id, &second).await?;
    let revoked = user.client().authorize(None, &id, &second).await?;
    user.check_eq("a revoked role is not authorized", &revoked, &Some(false))?;
    let roles = user.client().get_roles_by_id(None, &id).await?;
    user.check_eq("the other role stays", &roles.as_deref(), &Some(first.as_slice()))
}

/// Lists the user.
async fn list(user: &mut User) -> IterationResult {
    let id = user.id();
    let filter = FilterParams::new().set("id", &*id);
    let page = user.client().get_roles_by_filter(None, Some(&filter), None).await?;
    user.check("a listed user matches the filter", page.data.iter().all(|listed| listed.id == id))
}

/// The load test: of four users, three change roles and one lists them.
pub fn load_test() -> LoadTest<RolesClient<LoadTransport>> {
    LoadTest::new("roles", roles_v1::ROUTES, RolesClient::from_caller)
        .weighted_scenario("change", 3, change)
        .weighted_scenario("list", 1, list)
}
