//! The code of `docs/own-load-test.md` is that of this package.

const GUIDE: &str = include_str!("../../../docs/own-load-test.md");

/// Returns the snippets in a language.
fn snippets(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    GUIDE.split(&*start).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The lines of a snippet without their indentation.
fn lines(code: &str) -> Vec<&str> {
    code.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_files_of_the_guide_are_those_of_the_example() {
    let files = [
        include_str!("../src/contract.rs"),
        include_str!("../src/scenarios.rs"),
        include_str!("../src/main.rs"),
    ];
    assert_eq!(snippets("rust")[..3], files);
}

#[test]
fn the_other_snippets_are_compiled_by_this_test() {
    let test = lines(include_str!("guide.rs"));
    for snippet in &snippets("rust")[3..] {
        let snippet = lines(snippet);
        assert!(test.windows(snippet.len()).any(|lines| lines == snippet), "{snippet:#?}");
    }
}

#[test]
fn the_dependencies_of_the_guide_are_those_of_the_example() {
    let [dependencies] = snippets("toml")[..] else { panic!("{GUIDE}") };
    assert!(include_str!("../Cargo.toml").contains(dependencies), "{dependencies}");
}

mod a_user_with_a_value {
    use loadtest::{IterationResult, LoadTest, LoadTransport, VirtualUser};
    use shop_loadtest::contract::{Shop, ShopClient, shop_v1};

    struct Regular {
        shop: ShopClient<LoadTransport>,
        visits: u32,
    }

    async fn visit(user: &mut VirtualUser<Regular>) -> IterationResult {
        user.client_mut().visits += 1;
        let visits = user.client().visits;
        user.client().shop.get_item(visits).await?;
        Ok(())
    }

    fn load_test() -> LoadTest<Regular> {
        let new = |caller| Regular { shop: ShopClient::from_caller(caller), visits: 0 };
        LoadTest::new("shop", shop_v1::ROUTES, new).scenario("visit", visit)
    }

    #[test]
    fn the_load_test_has_its_scenario() {
        assert!(format!("{:?}", load_test()).contains("\"visit\""));
    }
}

mod setup_and_teardown {
    use loadtest::{IterationResult, LoadTest, LoadTransport};
    use shop_loadtest::contract::{Shop, ShopClient};
    use shop_loadtest::scenarios::Customer;

    async fn check_stock(customer: &mut Customer) -> IterationResult {
        let items = customer.client().list_items().await?;
        customer.check("the shop has items", !items.is_empty())
    }

    async fn cancel_all(customer: &mut Customer) -> IterationResult {
        let prefix = customer.worker_prefix();
        for order in customer.client().list_orders(&prefix).await? {
            customer.client().cancel_order(order.id).await?;
        }
        Ok(())
    }

    fn load_test() -> LoadTest<ShopClient<LoadTransport>> {
        shop_loadtest::scenarios::load_test().setup(check_stock).teardown(cancel_all)
    }

    #[test]
    fn the_load_test_has_the_scenarios_of_the_example() {
        assert!(format!("{:?}", load_test()).contains("\"order\""));
    }
}

mod a_scenario_for_sessions {
    use loadtest::{IterationResult, LoadTest, Sessions, VirtualUser};
    use std::process::ExitCode;

    async fn log_in_and_out(user: &mut VirtualUser<Sessions>) -> IterationResult {
        let session = user.open().await?;
        user.think().await?;
        user.read(&session).await?;
        user.close(&session).await?;
        user.delete(&session).await
    }

    fn main() -> ExitCode {
        LoadTest::sessions().scenario("log-in-and-out", log_in_and_out).main()
    }

    #[test]
    fn the_load_test_is_a_program() {
        let _: fn() -> ExitCode = main;
    }
}
