//! Snapshots of the generated code, formatted for review. Update them with `INSTA_UPDATE=always`.

use crate::run;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item, ItemMod, Type};

const ARGS: &str = "client = Client, module = api";

fn expand(args: &str, item: &TokenStream) -> File {
    let expansion = run(args.parse().unwrap(), item);
    assert_eq!(error(args, item), None);
    syn::parse2(expansion).unwrap()
}

/// Returns the message of the first reported error, as an escaped string literal.
fn error(args: &str, item: &TokenStream) -> Option<String> {
    let expansion = run(args.parse().unwrap(), item).to_string();
    let (_, message) = expansion.split_once("compile_error ! { \"")?;
    message.split_once("\" }").map(|(message, _)| message.to_owned())
}

fn module(file: File) -> Vec<Item> {
    let content = file.items.into_iter().find_map(|item| match item {
        Item::Mod(ItemMod { content, .. }) => content,
        _ => None,
    });
    content.unwrap().1
}

/// Returns the code generated for one operation: its route, its structs, and the dispatcher with its match
/// arm.
fn operation(constant: &str, name: &str, item: &TokenStream) -> String {
    let belongs_to_operation = |item: &Item| match item {
        Item::Mod(_) => true,
        Item::Const(item) => item.ident == constant,
        Item::Struct(item) => item.ident == name,
        Item::Fn(item) => item.sig.ident == "dispatch",
        Item::Impl(item) => matches!(&*item.self_ty, Type::Path(ty) if ty.path.segments[0].ident == name),
        _ => false,
    };
    pretty(module(expand(ARGS, item)).into_iter().filter(belongs_to_operation).collect())
}

fn pretty(items: Vec<Item>) -> String {
    prettyplease::unparse(&File { shebang: None, frontmatter: None, attrs: Vec::new(), items })
}

#[test]
fn whole_expansion_of_a_contract_with_one_operation() {
    let file = expand(
        r#"prefix = "/v1", client = Client, module = api"#,
        &quote! {
            /// Things.
            pub trait Api {
                /// Finds a thing.
                #[get("/things/{id}")]
                async fn get(&self, id: &str) -> Result<Thing>;
            }
        },
    );
    insta::assert_snapshot!("whole_expansion", pretty(file.items));
}

#[test]
fn fields_are_encoded_as_a_json_object() {
    let item = quote! {
        trait Api {
            #[post("/open")]
            async fn open(
                &self,
                #[correlation] correlation_id: Option<&str>,
                #[field] user_id: &str,
                #[field("address")] from: Option<&str>,
                #[field] size: u8,
            ) -> Result<Session>;
        }
    };
    insta::assert_snapshot!("post_with_fields", operation("OPEN", "Open", &item));
}

#[test]
fn path_query_and_header_arguments_are_encoded_and_decoded() {
    let item = quote! {
        trait Api {
            #[get("/things/{thing}/parts/{part}")]
            async fn find_part(
                &self,
                thing: &str,
                part: u32,
                #[query] exact: bool,
                #[query("max")] most: Option<u16>,
                #[query("tag")] tags: &[String],
                #[header("x-tenant")] tenant: Option<&str>,
            ) -> Result<Option<Part>>;
        }
    };
    insta::assert_snapshot!("get_with_query_and_header", operation("FIND_PART", "FindPart", &item));
}

#[test]
fn one_argument_can_be_the_whole_body() {
    let item = quote! {
        trait Api {
            #[put("/things/{id}")]
            async fn replace(&self, id: u64, #[body] thing: &Thing) -> Result<()>;
        }
    };
    insta::assert_snapshot!("put_with_body", operation("REPLACE", "Replace", &item));
}

#[test]
fn an_operation_without_arguments_decodes_none() {
    let item = quote! {
        trait Api {
            #[delete("/things")]
            async fn clear(&self) -> Result<()>;
        }
    };
    insta::assert_snapshot!("delete_without_arguments", operation("CLEAR", "Clear", &item));
}

#[test]
fn route_flags_override_the_defaults_of_the_method() {
    let item = quote! {
        trait Api {
            #[put("/counter", not_idempotent, timeout = "250ms")]
            async fn count(&self) -> Result<u64>;
        }
    };
    let route = module(expand(ARGS, &item)).into_iter().filter(|item| matches!(item, Item::Const(_)));
    insta::assert_snapshot!("route_with_flags", pretty(route.collect()));
}

#[test]
fn the_operation_struct_has_only_the_type_parameters_of_its_arguments() {
    let item = quote! {
        trait Api<U: Payload = Value, D: Payload + From<U> = U>
        where
            D: Clone,
            U: Into<D>,
        {
            #[post("/store")]
            async fn store(&self, #[field] data: Option<&D>) -> Result<Session<U, D>>;
        }
    };
    insta::assert_snapshot!("generic_operation", operation("STORE", "Store", &item));
}

#[test]
fn a_generic_client_is_constructed_with_the_default_payload_types() {
    let item = quote! {
        trait Api<U: Payload = Value, D: Payload = Vec<U>> where U: Clone {}
    };
    let client = expand(ARGS, &item).items.into_iter().filter(|item| match item {
        Item::Struct(_) => true,
        Item::Impl(item) => {
            matches!(&*item.self_ty, Type::Path(ty) if ty.path.is_ident("Client"))
                || matches!(&*item.self_ty, Type::Path(ty) if ty.path.segments[0].ident == "Client")
        }
        _ => false,
    });
    insta::assert_snapshot!("generic_client", pretty(client.collect()));
}

#[test]
fn cfg_on_an_operation_is_copied_to_all_generated_items() {
    let file = expand(
        ARGS,
        &quote! {
            trait Api {
                #[cfg(feature = "new")]
                #[get("/new")]
                async fn latest(&self, #[query] since: &str) -> Result<News>;
            }
        },
    );
    insta::assert_snapshot!("conditional_operation", pretty(file.items));
}

#[test]
fn raw_identifiers_are_unprefixed_on_the_wire() {
    let item = quote! {
        trait Api {
            #[get("/{type}")]
            async fn r#match(&self, r#type: &str, #[query] r#in: Option<u8>) -> Result<()>;
        }
    };
    insta::assert_snapshot!("raw_names", operation("MATCH", "Match", &item));
}

#[test]
fn a_custom_crate_path_replaces_every_default_path() {
    let item = quote! {
        trait Api<U: Payload = Value> {
            #[post("/{id}", timeout = "1s")]
            async fn store(
                &self,
                id: &str,
                #[query] q: Option<u8>,
                #[header("x-h")] h: &str,
                #[correlation] c: Option<&str>,
                #[field] u: &U,
            ) -> Result<U>;

            #[put("/{id}")]
            async fn put(&self, id: &str, #[body] body: Option<&U>) -> Result<()>;
        }
    };
    let expansion = expand("client = Client, module = api, crate = ::own::renamed", &item);
    let code = quote!(#expansion).to_string();
    assert!(code.contains(":: own :: renamed :: __private"), "{code}");
    assert!(!code.contains("wiretrait"), "{code}");
}

#[test]
fn the_error_format_is_part_of_the_contract() {
    let item = quote! {
        trait Api {
            #[get("/")]
            async fn get(&self) -> Result<()>;
        }
    };
    let contract = |args: &str| {
        let items = module(expand(args, &item)).into_iter();
        pretty(items.filter(|item| matches!(item, Item::Const(item) if item.ident == "CONTRACT")).collect())
    };
    for (errors, value) in [
        ("", "&::wiretrait::PlainErrors,"),
        (", errors = ::some::Errors", "&::some::Errors,"),
        (", errors = Errors", "&Errors,"),
        (", errors = self::Errors", "&super::Errors,"),
        (", errors = super::Errors", "&super::super::Errors,"),
        (", errors = crate::Errors", "&crate::Errors,"),
    ] {
        let contract = contract(&format!("{ARGS}{errors}"));
        assert!(contract.contains(value), "{value} in {contract}");
    }
}

#[test]
fn relative_paths_are_adjusted_in_the_generated_module() {
    let item = quote! {
        trait Api {
            #[put("/")]
            async fn put(&self, #[body] body: &self::Here) -> Result<super::There>;
        }
    };
    let expansion = expand("client = Client, module = api, crate = super::renamed", &item);
    let inner = module(expansion).into_iter().map(|item| quote!(#item).to_string()).collect::<String>();
    for path in
        ["& 'call super :: Here", "Result < super :: super :: There >", "super :: super :: renamed :: "]
    {
        assert!(inner.contains(path), "{path} in {inner}");
    }
    assert!(!inner.contains("self :: Here"), "{inner}");
}

#[test]
fn a_timeout_must_be_a_number_with_a_unit() {
    let with = |timeout: &str| {
        quote! {
            trait Api {
                #[get("/", timeout = #timeout)]
                async fn get(&self) -> Result<()>;
            }
        }
    };
    for (timeout, millis) in [("1ms", "1u64"), ("250ms", "250u64"), ("5s", "5000u64"), ("2m", "120000u64")] {
        let file = expand(ARGS, &with(timeout));
        let code = quote!(#file).to_string();
        assert!(code.contains(&format!("Duration :: from_millis ({millis})")), "{timeout} in {code}");
    }
    for timeout in [
        "",
        "5",
        "s",
        "0s",
        "-1s",
        "1.5s",
        "5 s",
        "5S",
        "1h",
        "99999999999999999999s",
        "18446744073709551615m",
    ] {
        let error = error(ARGS, &with(timeout)).unwrap();
        assert!(error.starts_with(&format!("`{timeout}` is not a valid timeout")), "{error}");
    }
}

#[test]
fn operations_with_the_same_route_are_reported() {
    let both = |first: &str, second: &str| {
        quote! {
            trait Api {
                #[get(#first)]
                async fn one(&self, #[query] a: u8) -> Result<()>;
                #[get(#second)]
                async fn two(&self, #[query] b: u8) -> Result<()>;
            }
        }
    };
    for (first, second) in [("/a", "/a/b"), ("/a/b", "/a/c"), ("/a", "/A"), ("/a%2Fb", "/a/b")] {
        assert_eq!(error(ARGS, &both(first, second)), None, "{first} and {second}");
    }
    // A percent-encoded character is equal to the character itself.
    for second in ["/%61b", "/%61%62", "/a%62"] {
        let error = error(ARGS, &both("/ab", second)).unwrap();
        assert!(error.starts_with("`one` and `two` have the same route `GET /ab`"), "{error}");
    }
    let error = error(ARGS, &both("/a", "/a")).unwrap();
    assert_eq!(error, "`one` and `two` have the same route `GET /a`: change one of them");
}

#[test]
fn routes_that_overlap_partially_are_reported() {
    let both = |first: &str, second: &str| {
        let arguments = |path: &str| {
            let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
            let names = names.map(|name| quote::format_ident!("{name}"));
            quote!(#(#names: &str),*)
        };
        let (one, two) = (arguments(first), arguments(second));
        quote! {
            trait Api {
                #[get(#first)]
                async fn one(&self, #one) -> Result<()>;
                #[get(#second)]
                async fn two(&self, #two) -> Result<()>;
            }
        }
    };
    for (first, second, shared) in [
        ("/{a}/edit", "/new/{b}", "/new/edit"),
        ("/new/{b}", "/{a}/edit", "/new/edit"),
        ("/{a}/{b}/edit", "/{c}/new/{d}", "/{c}/new/edit"),
        ("/%61/{b}/edit", "/a/new/{d}", "/a/new/edit"),
    ] {
        let error = error(ARGS, &both(first, second)).unwrap();
        let expected = format!(
            "`GET {shared}` matches both `one` and `two`, and only `one` would be called: change one of the routes"
        );
        assert_eq!(error, expected, "{first} and {second}");
    }
    for (first, second) in [
        ("/{a}/edit", "/new/{b}/edit"),
        ("/{a}/edit", "/new/show"),
        ("/x/{a}/edit", "/y/new/{b}"),
        ("/new/{a}", "/{b}/{c}"),
        ("/{a}/edit", "/new/"),
        ("/new/{a}", "/{b}/"),
    ] {
        assert_eq!(error(ARGS, &both(first, second)), None, "{first} and {second}");
    }
}

#[test]
fn a_path_is_suggested_for_a_type_that_an_operation_would_shadow() {
    for (operation, output, path) in [
        ("option", "Result<Option<u8>>", "`::std::option::Option`"),
        ("vec", "Result<Vec<u8>>", "`::std::vec::Vec`"),
        ("string", "Result<String>", "`::std::string::String`"),
        ("box", "Result<Box<u8>>", "`::std::boxed::Box`"),
        ("result", "Result<u8>", "`::std::result::Result`, or `self::Result` for an alias"),
        ("thing", "Result<Thing>", "`self::Thing`"),
    ] {
        let (ident, ty) = (quote::format_ident!("r#{operation}"), output.parse::<TokenStream>().unwrap());
        let item = quote! {
            trait Api {
                #[get("/")]
                async fn #ident(&self) -> #ty;
            }
        };
        let error = error(ARGS, &item).unwrap();
        assert!(error.ends_with(&format!("refer to the type by a path, such as {path}")), "{error}");
    }
    let parameter = quote! {
        trait Api<Thing: Payload> {
            #[get("/")]
            async fn thing(&self) -> Result<Thing>;
        }
    };
    let error = error(ARGS, &parameter).unwrap();
    assert!(error.ends_with("which shadows the `Thing` used in the trait: rename the operation"), "{error}");
}

#[test]
fn a_module_shadowed_in_the_generated_module_is_reported() {
    let item = quote! {
        trait Api {
            #[get("/")]
            async fn get(&self, #[query] from: &received::Place) -> Result<()>;
        }
    };
    let error = error(ARGS, &item).unwrap();
    assert_eq!(error, "`received` refers to another item in the generated module: write `self::received`");
}

#[test]
fn a_literal_route_must_be_declared_before_a_placeholder_route() {
    let in_order = |literal_first: bool| {
        let literal = quote!(
            #[get("/things/latest")]
            async fn latest(&self) -> Result<()>;
        );
        let placeholder = quote!(
            #[get("/things/{id}")]
            async fn get(&self, id: u8) -> Result<()>;
        );
        if literal_first {
            quote!(trait Api { #literal #placeholder })
        } else {
            quote!(trait Api { #placeholder #literal })
        }
    };
    assert_eq!(error(ARGS, &in_order(true)), None);
    let error = error(ARGS, &in_order(false)).unwrap();
    assert!(error.starts_with("`latest` is never called"), "{error}");
}

#[test]
fn operations_with_the_same_name_are_allowed_with_different_cfgs() {
    let item = quote! {
        trait Api {
            #[cfg(unix)]
            #[get("/unix")]
            async fn get(&self) -> Result<()>;
            #[cfg(not(unix))]
            #[get("/other")]
            async fn get(&self) -> Result<()>;
        }
    };
    let file = expand(ARGS, &item);
    let code = quote!(#file).to_string();
    assert!(code.contains("`GET /unix`") && code.contains("`GET /other`"), "{code}");
}

#[test]
fn an_unsupported_trait_parameter_does_not_remove_generated_items() {
    let items = |parameter: &TokenStream| {
        let item = quote! {
            trait Api<#parameter, T: Payload> {
                #[get("/")]
                async fn get(&self) -> Result<T>;
            }
        };
        assert!(error(ARGS, &item).is_some_and(|error| error.contains(": remove `")));
        run(ARGS.parse().unwrap(), &item).to_string()
    };
    for (parameter, argument) in [
        (quote!('a), "'static"),
        (quote!(const N: usize), "0"),
        (quote!(const EXACT: bool), "false"),
        (quote!(const MARK: char), "' '"),
    ] {
        let code = items(&parameter);
        for part in [
            &format!("trait Api < {parameter} , T : Payload >"),
            "trait DynApi < T : Payload >",
            "struct Client < T : Payload ,",
            "mod api {",
            &format!("Api < {argument} , T > for Client < T ,"),
        ] {
            assert!(code.contains(part), "{part} in {code}");
        }
    }
}

#[test]
fn an_item_that_is_not_a_trait_is_emitted_unchanged() {
    let item = quote! { struct Api { field: u8 } };
    let code = run(ARGS.parse().unwrap(), &item).to_string();
    assert!(code.starts_with(&item.to_string()), "{code}");
}
