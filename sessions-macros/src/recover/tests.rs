//! Half-written contracts: which operations remain, and how many errors there are.

use super::{is_group, members};
use crate::run;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::BTreeSet;
use syn::{Expr, File, ImplItem, Item, ItemTrait, Stmt, TraitItem};

const ARGS: &str = "client = Client, module = api";

/// The names that an editor can offer after the expansion of a contract.
struct Offers {
    /// Methods of the trait.
    methods: BTreeSet<String>,
    /// Methods that the client implements.
    calls: BTreeSet<String>,
    /// Structs of operations in the generated module.
    structs: BTreeSet<String>,
    /// `true` if the companion is there.
    companion: bool,
    errors: Vec<String>,
}

/// Expands a contract named `contract`, whose expansion must be valid Rust.
fn expand(contract: &str, args: &str, item: &TokenStream) -> Offers {
    let expansion = run(args.parse().unwrap(), item);
    let file: File = syn::parse2(expansion.clone())
        .unwrap_or_else(|error| panic!("{error} in the expansion of {item}\n{expansion}"));
    let mut offers = Offers {
        methods: BTreeSet::new(),
        calls: BTreeSet::new(),
        structs: BTreeSet::new(),
        companion: false,
        errors: errors(&file),
    };
    for item in file.items {
        match item {
            Item::Trait(item) if item.ident == contract => {
                offers.methods.extend(item.items.iter().filter_map(|item| match item {
                    TraitItem::Fn(method) => Some(method.sig.ident.to_string()),
                    _ => None,
                }));
            }
            Item::Trait(item) if item.ident == format!("Dyn{contract}") => offers.companion = true,
            Item::Const(block) => {
                offers.calls.extend(client_methods(&block.expr, contract));
            }
            Item::Mod(module) => {
                let (_, items) = module.content.unwrap();
                offers.structs.extend(items.iter().filter_map(|item| match item {
                    Item::Struct(item) => Some(item.ident.to_string()),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    offers
}

/// Returns the methods that the client implements in the block of all implementations.
fn client_methods(block: &Expr, contract: &str) -> Vec<String> {
    let Expr::Block(block) = block else { return Vec::new() };
    let client = block.block.stmts.iter().find_map(|statement| match statement {
        Stmt::Item(Item::Impl(item)) if is_client(item, contract) => Some(&item.items),
        _ => None,
    });
    let methods = client.into_iter().flatten().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method.sig.ident.to_string()),
        _ => None,
    });
    methods.collect()
}

fn is_client(item: &syn::ItemImpl, contract: &str) -> bool {
    let implements =
        item.trait_.as_ref().is_some_and(|(path, _)| path.segments.iter().any(|name| name.ident == contract));
    let ty = item.self_ty.to_token_stream().to_string();
    implements
        && ty.split(' ').next().is_some_and(|name| name.ends_with("Client") || name.ends_with("ClientV1"))
}

/// Returns the messages of all reported errors.
fn errors(file: &File) -> Vec<String> {
    let messages = file.items.iter().filter_map(|item| match item {
        Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
            syn::parse2::<syn::LitStr>(item.mac.tokens.clone()).ok()
        }
        _ => None,
    });
    messages.map(|message| message.value()).collect()
}

/// Removes the braces of a contract in text, so that its last part may be unfinished.
fn contract(middle: &str) -> TokenStream {
    let code = format!(
        "/// Things.
        pub trait Api {{
            /// The first.
            #[get(\"/first\")]
            async fn first(&self, #[query] id: u8) -> Result<Vec<String>>;
            {middle}
            /// The last.
            #[post(\"/last\")]
            async fn last(&self, #[field] id: Option<&str>) -> Result<()>;
        }}"
    );
    code.parse().unwrap_or_else(|error| panic!("{error} in {middle}"))
}

#[test]
fn an_incomplete_item_costs_one_error_and_no_other_operation() {
    let route = r#"#[get("/b")] "#;
    let incomplete = [
        // A method, from its first to its last token.
        "a",
        "async",
        "async fn",
        "async fn b",
        "async fn b;",
        "async fn b(",
        "async fn b(&",
        "async fn b(&self",
        "async fn b(&self)",
        "async fn b(&self,",
        "async fn b(&self, a",
        "async fn b(&self, a:",
        "async fn b(&self, a: &",
        "async fn b(&self, a: &[",
        "async fn b(&self, a: Option<",
        "async fn b(&self, a: Option<&",
        "async fn b(&self, a: Option<&str",
        "async fn b(&self, #",
        "async fn b(&self, #[",
        "async fn b(&self, #[query",
        "async fn b(&self, #[query]",
        "async fn b(&self, #[query] a",
        "async fn b(&self, #[query(",
        "async fn b(&self, #[query(\"a\"",
        "async fn b(&self) -",
        "async fn b(&self) ->",
        "async fn b(&self) -> Result",
        "async fn b(&self) -> Result<",
        "async fn b(&self) -> Result<()",
        "async fn b(&self) -> Result<Vec<",
        "async fn b(&self) -> Result<Vec<u8>",
        "async fn b(&self) -> Result<()>",
        "async fn b(&self) -> ;",
        "async fn b(&self) -> Result<;",
        "async fn b(&self, a) -> Result<()>;",
        "async fn b(&self, a:) -> Result<()>;",
        "async fn b(&self, a: &) -> Result<()>;",
        "async fn b(&self, a: u8 c: u8) -> Result<()>;",
        "async fn b(&self, #[] a: u8) -> Result<()>;",
        "async fn b(&self -> Result<()>;",
        "async fn (&self) -> Result<()>;",
        "async fn 1(&self) -> Result<()>;",
        "async fn b<(&self) -> Result<()>;",
        "async fn b(&self) -> Result<()>,",
        "async b(&self) -> Result<()>;",
        "fn b",
        "fn b(&self)",
        "pub",
        "pub async fn",
        // Attributes of a method.
        "#[] async fn b(&self) -> Result<()>;",
        "# async fn b(&self) -> Result<()>;",
        "#",
        "#[",
        // Other items.
        "const",
        "const A",
        "const A:",
        "type",
        "type A =",
        "123",
        "\"/b\"",
        "->",
        ";",
        "...",
        "foo!",
    ];
    let mut checked = 0;
    for (number, middle) in incomplete.into_iter().enumerate() {
        for before in [route, ["", "/// Docs.\n"][number % 2]] {
            let code = format!("{before}{middle}");
            let code = close(&code);
            let offers = expand("Api", ARGS, &contract(&code));
            for name in ["first", "last"] {
                assert!(
                    offers.calls.contains(name),
                    "`{name}` is missing after `{code}`: {:?}",
                    offers.errors
                );
            }
            assert!(offers.structs.contains("First") && offers.structs.contains("Last"), "{code}");
            assert!(offers.companion, "{code}");
            assert_eq!(offers.errors.len(), 1, "{code}: {:?}", offers.errors);
            checked += 1;
        }
    }
    assert!(checked > 120, "{checked}");
}

/// Closes the brackets that are open at the end of `code`, as the parser of an editor does.
fn close(code: &str) -> String {
    let mut open = Vec::new();
    for c in code.chars() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' => drop(open.pop()),
            _ => {}
        }
    }
    code.chars().chain(open.into_iter().rev()).collect()
}

#[test]
fn the_name_and_the_complete_arguments_of_an_incomplete_method_remain() {
    for (middle, signature) in [
        ("async fn b", "fn b (& self)"),
        ("async fn b(&self, a: u8, c:) -> Result<u8>;", "fn b (& self , a : u8)"),
        ("async fn b(&self, a: Vec<u8, u8>, c) -> Result<u8>;", "fn b (& self , a : Vec < u8 , u8 >)"),
        ("async fn b(&self, a: fn() -> u8, c) -> Result<u8>;", "fn b (& self , a : fn () -> u8)"),
        ("fn b(&self, a: u8) ->", "fn b (& self , a : u8)"),
    ] {
        let offers = run(ARGS.parse().unwrap(), &contract(middle)).to_string();
        assert!(offers.contains(signature), "{signature} in {offers}");
    }
}

#[test]
fn only_a_semicolon_or_an_attribute_is_missing_in_a_complete_operation() {
    for middle in [
        r#"#[get("/b")] async fn b(&self) -> Result<()>"#,
        r#"#[] #[get("/b")] async fn b(&self) -> Result<()>;"#,
        r#"#[get("/b")] # async fn b(&self) -> Result<()>;"#,
    ] {
        let offers = expand("Api", ARGS, &contract(middle));
        assert_eq!(offers.structs, ["B", "First", "Handler", "Last"].map(str::to_owned).into(), "{middle}");
        assert_eq!(offers.errors.len(), 1, "{middle}: {:?}", offers.errors);
    }
}

#[test]
fn an_incomplete_header_costs_one_error() {
    let method = r#"{ #[get("/a")] async fn a(&self) -> Result<()>; }"#;
    for header in [
        "pub( trait Api",
        "pub(in trait Api",
        "trait Api<",
        "trait Api<T",
        "trait Api<T:",
        "trait Api<T: Payload",
        "trait Api<T: Payload,",
        "trait Api<T: Payload =",
        "trait Api<T: Payload = Vec<",
        "trait Api: Send +,",
        "trait Api where,",
        "#[] trait Api",
        "# trait Api",
        "#[doc = ] pub trait Api",
    ] {
        let code = close(header);
        let code = if header.starts_with("pub(") { header.replacen(" trait", ") trait", 1) } else { code };
        let item: TokenStream = format!("{code} {method}").parse().unwrap();
        let offers = expand("Api", ARGS, &item);
        assert!(offers.calls.contains("a") && offers.companion, "{header}: {:?}", offers.errors);
        assert_eq!(offers.errors.len(), 1, "{header}: {:?}", offers.errors);
    }
}

#[test]
fn a_trait_without_braces_or_methods_has_a_client() {
    for (item, errors) in [("trait Api {}", 0), ("trait Api", 1), ("trait Api;", 1), ("trait Api { ; }", 1)] {
        let offers = expand("Api", ARGS, &item.parse().unwrap());
        assert!(offers.companion, "{item}");
        assert_eq!(offers.errors.len(), errors, "{item}: {:?}", offers.errors);
    }
}

#[test]
fn a_trait_without_a_name_is_emitted_unchanged() {
    for code in ["trait", "pub trait {}", "trait 1 { async fn a(&self); }"] {
        let item: TokenStream = code.parse().unwrap();
        let expansion = run(ARGS.parse().unwrap(), &item).to_string();
        assert!(expansion.starts_with(&item.to_string()), "{expansion}");
        assert_eq!(expansion.matches("compile_error").count(), 1, "{expansion}");
    }
}

/// The contract of sessions, its attribute's arguments, and the tokens of its header and its items.
fn sessions() -> (String, TokenStream, Vec<Vec<TokenTree>>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../sessions-client/src/contract.rs");
    let file = syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut item = file
        .items
        .into_iter()
        .find_map(|item| match item {
            Item::Trait(item) => Some(item),
            _ => None,
        })
        .unwrap();
    let (mut attributes, rest) = item.attrs.into_iter().partition(|a| a.path().is_ident("http_api"));
    let attribute: Vec<syn::Attribute> = std::mem::take(&mut attributes);
    item.attrs = rest;
    let args = attribute[0].meta.require_list().unwrap().tokens.to_string();
    let tokens: Vec<TokenTree> = ItemTrait::into_token_stream(item).into_iter().collect();
    let (body, header) = tokens.split_last().unwrap();
    (args, header.iter().cloned().collect(), members(body))
}

/// Returns the first `count` tokens, where brackets count twice, and closes what is open then.
fn cut(tokens: impl IntoIterator<Item = TokenTree>, count: &mut usize) -> TokenStream {
    let mut kept = TokenStream::new();
    for token in tokens {
        if *count == 0 {
            break;
        }
        *count -= 1;
        let TokenTree::Group(group) = token else {
            kept.extend([token]);
            continue;
        };
        let inner = cut(group.stream(), count);
        kept.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
        *count = count.saturating_sub(1);
    }
    kept
}

fn length(tokens: impl IntoIterator<Item = TokenTree>) -> usize {
    let tokens = tokens.into_iter();
    tokens.map(|token| if let TokenTree::Group(group) = token { 2 + length(group.stream()) } else { 1 }).sum()
}

/// Describes the end of a cut contract: the brackets that are open and the last tokens, without names and values.
fn end_of(part: &TokenStream) -> String {
    let tokens: Vec<TokenTree> = part.clone().into_iter().collect();
    let last = &tokens[tokens.len().saturating_sub(2)..];
    let words = last.iter().enumerate().map(|(at, token)| match token {
        TokenTree::Group(group) if at + 1 == last.len() => {
            format!("{:?} {}", group.delimiter(), end_of(&group.stream()))
        }
        TokenTree::Group(group) => format!("{:?}", group.delimiter()),
        TokenTree::Ident(name) if syn::parse2::<syn::Ident>(quote!(#name)).is_ok() => "name".to_owned(),
        TokenTree::Literal(_) => "literal".to_owned(),
        token => token.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_contract_cut_at_any_kind_of_token_keeps_its_other_operations() {
    let (args, header, members) = sessions();
    let mut cuts = 0;
    // Expanding a contract takes long in a debug build, so the neighbours are short, and each kind of position is cut
    // once.
    let before = quote!(
        #[get("/first")]
        async fn first(&self) -> Result<()>;
    );
    let after = quote!(
        #[get("/last")]
        async fn last(&self) -> Result<()>;
    );
    // The widest between two others, and the last.
    for (at, end, after) in
        [(2, quote!(), &after), (2, quote!(;), &after), (members.len() - 1, quote!(), &quote!())]
    {
        let names = if after.is_empty() { &["first"][..] } else { &["first", "last"] };
        let mut ends = BTreeSet::new();
        for kept in 0..length(members[at].clone()) - 1 {
            let part = cut(members[at].clone(), &mut { kept });
            if !ends.insert(end_of(&part)) {
                continue;
            }
            let offers = expand("ISessionsV1", &args, &quote!(#header { #before #part #end #after }));
            for &name in names {
                assert!(offers.methods.contains(name), "{name} is not a method after {part}");
                assert!(offers.calls.contains(name), "{name} has no call after {part}");
            }
            assert!(offers.companion, "{part}");
            // Attributes without a method belong to the next one, and a complete item may have several mistakes.
            let only_attributes = part
                .clone()
                .into_iter()
                .all(|token| super::is_punct(&token, '#') || is_group(&token, Delimiter::Bracket));
            let complete = syn::parse2::<TraitItem>(quote!(#part #end)).is_ok();
            if !(only_attributes || complete) {
                assert_eq!(offers.errors.len(), 1, "{part} {end}: {:?}", offers.errors);
            }
            cuts += 1;
        }
    }
    assert!(cuts > 100, "{cuts}");
}
