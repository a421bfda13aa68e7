//! What the compiler says of a contract with a mistake: each fixture makes one, and uses the contract as
//! if it had none, so that its golden file shows every error that a user would see.

/// The words and the carets are the compiler's in part, so they are compared where it is the one that the
/// golden files were made with. `TRYBUILD=overwrite` makes them anew.
#[rustversion::attr(not(stable(1.95)), ignore = "the golden files were made with rustc 1.95")]
#[test]
fn every_mistake_in_a_contract_is_explained_once_and_where_it_is() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}
