//! Snapshots of the generated code, formatted for review. Update them with `INSTA_UPDATE=always`.

use crate::run;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item, ItemMod, Type};

mod docs;

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
fn every_name_of_a_contract_can_be_a_raw_identifier() {
    let item = quote! {
        pub trait r#Api<r#T: Payload> {
            #[get("/{type}")]
            async fn r#match(&self, r#type: &str, #[query] r#in: Option<u8>) -> Result<r#T>;
            #[post("/")]
            async fn r#async(&self, #[body] r#fn: &r#T, #[header("x-ref")] r#ref: Option<&str>) -> Result<()>;
            async fn r#loop(&self, r#where: u8) -> Result<()> { self.r#async(&r#where.into(), None).await }
        }
    };
    for args in [
        ARGS,
        "client = r#Client, module = r#api",
        "client = r#Client, module = r#mod",
        "client_only, client = r#Self_, module = r#api",
    ] {
        let names = expand(args, &item).items.into_iter().filter_map(|item| match item {
            Item::Trait(item) => Some(item.ident.to_string()),
            _ => None,
        });
        assert_eq!(names.collect::<Vec<_>>(), ["r#Api", "DynApi"], "{args}");
    }
}

#[test]
fn suggested_names_of_a_raw_contract_are_not_raw() {
    let item = quote! {
        trait r#Things {
            #[get("/")]
            async fn find(&self) -> Result<()>;
        }
    };
    let error_of = |args| error(args, &item).unwrap();
    assert!(
        error_of("").contains("add `client = ThingsClient` and `module = things_api`"),
        "{}",
        error_of("")
    );
    for (args, taken) in
        [("client = DynThings, module = api", "DynThings"), ("client = Things, module = api", "Things")]
    {
        let error = error_of(args);
        assert!(error.starts_with(&format!("`{taken}` is already the name of the trait")), "{error}");
        assert!(error.ends_with("write `ThingsClient`"), "{error}");
    }
}

/// Returns the names of the items that a half of a contract generates, those of its module included.
fn item_names(half: &str) -> Vec<String> {
    let item = quote! {
        pub trait Api {
            #[get("/things/{id}")]
            async fn find(&self, id: &str) -> Result<Thing>;
        }
    };
    let items = expand(half, &item).items;
    let content = items.iter().filter_map(|item| match item {
        Item::Mod(ItemMod { content, .. }) => content.as_ref(),
        _ => None,
    });
    let names = items.iter().chain(content.flat_map(|(_, items)| items)).filter_map(|item| match item {
        Item::Trait(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Mod(item) => Some(&item.ident),
        // The block of all implementations has no name.
        Item::Const(item) if item.ident != "_" => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        _ => None,
    });
    names.map(ToString::to_string).collect()
}

#[test]
fn each_half_has_its_own_items() {
    let common = ["Api", "DynApi", "api", "FIND", "CONTRACT", "ROUTES"];
    let client = ["Client", "Find"];
    let service = ["received", "dispatch", "Handler"];
    for (args, halves) in [
        ("client = Client, module = api", &[&client[..], &service][..]),
        ("client = Client, module = api, client_only", &[&client]),
        ("module = api, server_only", &[&service]),
    ] {
        let mut expected = [&[&common[..]][..], halves].concat().concat();
        let mut names = item_names(args);
        expected.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, expected, "{args}");
    }
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
        ("", "&__rt::PlainErrors,"),
        (", error = Error", "&__rt::TypedErrors::<Error>::NEW,"),
        (", error = self::Error<super::T>", "TypedErrors::<super::Error<super::super::T>>::NEW"),
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
            let names = path.split('{').skip(1).filter_map(|after| after.split('}').next());
            let names =
                names.map(|name| name.trim_start_matches('*')).map(|name| quote::format_ident!("{name}"));
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
        ("/{a}.json", "/x{b}", "/x.json"),
        ("/{a}-y{b}", "/{c}z", "/*-yz"),
        ("/{a}:b/{c}", "/x:{d}/e", "/x:b/e"),
        ("/{a}/edit", "/x/{*b}", "/x/edit"),
        ("/{a}-{b}/c", "/x-{d}/{e}", "/x-{d}/c"),
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
        ("/{a}.json", "/{b}.xml"),
        ("/x{a}.json", "/{b}"),
        ("/x.json", "/{a}.json"),
        ("/xy.json", "/x{a}.json"),
        ("/{a}:cancel", "/{b}"),
        ("/x{a}", "/x"),
        ("/{a}/edit", "/{*b}"),
        ("/x/", "/x/{*a}"),
        ("/x", "/x/{*a}"),
        ("/x/{*a}", "/{*b}"),
    ] {
        assert_eq!(error(ARGS, &both(first, second)), None, "{first} and {second}");
    }
}

#[test]
fn routes_behind_a_more_general_one_are_reported() {
    for (first, second) in [
        ("/{a}", "/{b}.json"),
        ("/{a}.json", "/x.json"),
        ("/{a}.json", "/x{b}.json"),
        ("/{a}-{b}", "/x-{c}-y"),
        ("/{*a}", "/{b}/edit"),
        ("/x/{*a}", "/x/{b}.json/"),
        ("/{*a}", "/x/{*b}"),
    ] {
        let names = |path: &str| {
            let names = path.split('{').skip(1).filter_map(|after| after.split('}').next());
            let names = names.map(|name| quote::format_ident!("{}", name.trim_start_matches('*')));
            quote!(#(#names: &str),*)
        };
        let (one, two) = (names(first), names(second));
        let item = quote! {
            trait Api {
                #[get(#first)]
                async fn one(&self, #one) -> Result<()>;
                #[get(#second)]
                async fn two(&self, #two) -> Result<()>;
            }
        };
        let error = error(ARGS, &item).unwrap();
        assert!(error.starts_with("`two` is never called"), "{first} and {second}: {error}");
    }
}

#[test]
fn a_path_is_suggested_for_a_shadowed_type_of_the_prelude() {
    for (operation, output, path) in [
        ("option", "Result<Option<u8>>", "`::std::option::Option`"),
        ("vec", "Result<Vec<u16>>", "`::std::vec::Vec`"),
        ("string", "Result<String>", "`::std::string::String`"),
        ("box", "Result<Box<u8>>", "`::std::boxed::Box`"),
        ("result", "Result<u8>", "`::std::result::Result`, or `self::Result` for an alias"),
    ] {
        let (ident, ty) = (quote::format_ident!("r#{operation}"), output.parse::<TokenStream>().unwrap());
        let item = quote! {
            trait Api {
                #[get("/")]
                async fn #ident(&self) -> #ty;
            }
        };
        let error = error(ARGS, &item).unwrap();
        assert!(error.ends_with(&format!("rename the operation, or write {path}")), "{error}");
    }
    let parameter = quote! {
        trait Api<Thing: Payload> {
            #[get("/")]
            async fn thing(&self) -> Result<Thing>;
        }
    };
    let error = error(ARGS, &parameter).unwrap();
    assert!(error.ends_with("has the name of a type parameter of the trait: rename one of them"), "{error}");
}

#[test]
fn types_named_like_generated_items_are_those_of_the_user() {
    let item = quote! {
        trait Api {
            #[post("/")]
            async fn create_user(&self, #[body] user: &CreateUser) -> Result<received::Place, Handler>;
            #[post("/{size}")]
            async fn size(&self, size: u8, #[body] bytes: [Other; SIZE]) -> Result<()>;
        }
    };
    let inner =
        module(expand(ARGS, &item)).into_iter().map(|item| quote!(#item).to_string()).collect::<String>();
    for path in [
        "user : & 'call super :: CreateUser",
        "Result < super :: received :: Place , super :: Handler >",
        "bytes : [Other ; super :: SIZE]",
        "< super :: super :: CreateUser as",
    ] {
        assert!(inner.contains(path), "{path} in {inner}");
    }
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

/// Returns the error for an operation with the route `route` and the return type `output`.
fn error_of(route: &str, output: &str) -> Option<String> {
    let item = format!("trait Api {{ {route} async fn a(&self) -> {output}; }}");
    error(ARGS, &item.parse().unwrap())
}

#[test]
fn a_status_with_or_without_any_value_cannot_mean_none() {
    for (flag, start) in [
        ("none = 200", "`200` is the status of a response with a value"),
        ("none = [404, 200]", "`200` is the status of a response with a value"),
        ("none = 204", "`204` never has a value"),
        ("none = 205", "`205` never has a value"),
    ] {
        for output in ["Result<Option<u8>>", "Result<Option<()>>", "Result<ResponseValue<Option<u8>>>"] {
            let route = format!("#[get(\"/a\", {flag})]");
            let error = error_of(&route, output).unwrap();
            assert!(error.starts_with(start), "{flag} {output}: {error}");
            let item = format!("trait Api {{ {route} async fn a(&self) -> {output}; }}");
            let expansion = run(ARGS.parse().unwrap(), &item.parse().unwrap()).to_string();
            assert_eq!(expansion.matches("compile_error").count(), 1, "{flag} {output}");
        }
    }
    assert_eq!(error_of("#[get(\"/a\", none = [202, 304, 404])]", "Result<Option<u8>>"), None);
}

#[test]
fn an_optional_unit_requires_the_status_of_none() {
    for output in ["Result<Option<()>>", "Result<ResponseValue<Option<()>>>", "Result<Option<()>, Failed>"] {
        for verb in ["get", "head", "delete"] {
            let error = error_of(&format!("#[{verb}(\"/a\")]"), output).unwrap();
            assert!(error.starts_with("`Option<()>` would always be `None`"), "{verb} {output}: {error}");
            assert_eq!(error_of(&format!("#[{verb}(\"/a\", none = 404)]"), output), None);
        }
    }
}

#[test]
fn a_head_response_has_no_value() {
    for output in [
        "Result<String>",
        "Result<Option<String>>",
        "Result<ResponseValue<String>>",
        "Result<Vec<()>>",
        "Result<u8, Failed>",
    ] {
        for route in ["#[head(\"/a\")]", "#[head(\"/a\", none = 404)]"] {
            let error = error_of(route, output).unwrap();
            assert!(error.starts_with("a HEAD response has no body"), "{output}: {error}");
        }
    }
    // The last one may be an alias of `Result<()>`.
    for output in ["Result<()>", "Result<ResponseValue<()>>", "Result<(), Failed>", "Done"] {
        assert_eq!(error_of("#[head(\"/a\")]", output), None, "{output}");
    }
}

#[test]
fn a_correlation_id_clashes_with_its_header_in_any_case() {
    let error_of = |a: &str, b: &str| {
        let item = format!(
            "trait Api {{ #[get(\"/a\")] async fn a(&self, #[{a}] a: &str, #[{b}] b: &str) -> Result<()>; }}"
        );
        error(ARGS, &item.parse().unwrap())
    };
    for (a, b) in [
        ("correlation(\"X-Trace\")", "header(\"x-trace\")"),
        ("header(\"traceid\")", "correlation(\"traceId\")"),
        ("correlation(\"traceId\")", "correlation(\"traceid\")"),
        ("query(\"traceId\")", "correlation(\"traceId\")"),
    ] {
        let error = error_of(a, b).unwrap();
        assert!(error.starts_with("`a` and `b` would overwrite each other"), "{a} {b}: {error}");
    }
    assert_eq!(error_of("query(\"traceid\")", "correlation(\"traceId\")"), None);
}
