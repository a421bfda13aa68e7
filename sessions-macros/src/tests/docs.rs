//! Documentation of generated items, as rustdoc reads it from their attributes.

use super::{expand, module};
use quote::quote;
use syn::{Attribute, Expr, ExprLit, File, ImplItem, Item, Lit, Meta, TraitItem};

/// Returns the documentation in `attributes`.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let lines = lines.filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the documentation of `name`: a method of the trait, a field or setter `Operation.name`, or a struct.
fn doc_of(file: File, name: &str) -> String {
    let (owner, item_name) = name.split_once('.').unwrap_or((name, ""));
    if owner == "Api" {
        let methods = file.items.into_iter().find_map(|item| match item {
            Item::Trait(item) if item.ident == "Api" => Some(item.items),
            _ => None,
        });
        return methods
            .unwrap()
            .iter()
            .find_map(|item| match item {
                TraitItem::Fn(method) if method.sig.ident == item_name => Some(doc(&method.attrs)),
                _ => None,
            })
            .unwrap();
    }
    let (item_name, is_setter) = match item_name.strip_suffix("()") {
        Some(setter) => (setter, true),
        None => (item_name, false),
    };
    let found = module(file).into_iter().find_map(|item| match item {
        Item::Struct(item) if item.ident == owner && item_name.is_empty() => Some(doc(&item.attrs)),
        Item::Struct(item) if item.ident == owner && !is_setter => item
            .fields
            .iter()
            .find(|field| field.ident.as_ref().is_some_and(|ident| ident == item_name))
            .map(|field| doc(&field.attrs)),
        Item::Impl(item) if is_setter && item.trait_.is_none() => {
            item.items.iter().find_map(|item| match item {
                ImplItem::Fn(method) if method.sig.ident == item_name => Some(doc(&method.attrs)),
                _ => None,
            })
        }
        _ => None,
    });
    found.unwrap()
}

fn contract() -> File {
    expand(
        "client = Client, module = api, prefix = \"/v1\"",
        &quote! {
            trait Api {
                /// Finds things.
                #[get("/shelves/{shelf}")]
                async fn find(
                    &self,
                    /// The shelf.
                    shelf: &str,
                    #[query("max")] limit: Option<u32>,
                    #[query(comma)] tags: &[u32],
                    #[query(flatten)] filter: &Filter,
                    #[header("x-tenant")] tenant: &str,
                    #[correlation("trace_id")] trace: Option<&str>,
                    #[correlation("x-request-id")] request: Option<&str>,
                ) -> Result<()>;

                #[post("/shelves")]
                async fn add(
                    &self,
                    #[field("called")] name: &str,
                    #[field] note: Option<&str>,
                    #[field(omit_none)] color: Option<&str>,
                    #[field] size: Option<Option<u32>>,
                ) -> Result<()>;

                #[put("/shelves/{id}")]
                async fn replace(&self, id: u64, #[body] shelf: Option<&Shelf>) -> Result<()>;
            }
        },
    )
}

#[test]
fn fields_document_the_part_of_the_request_that_carries_them() {
    for (name, expected) in [
        ("Find.shelf", "The shelf.\n\n\nSent as `{shelf}` in the path."),
        ("Find.limit", "Argument `limit`.\n\nSent as the query parameter `max`. `None` is not sent."),
        (
            "Find.tags",
            "Argument `tags`.\n\nSent as the query parameter `tags`, with commas between the values.",
        ),
        ("Find.filter", "Argument `filter`.\n\nSent as one query parameter for each of its fields."),
        ("Find.tenant", "Argument `tenant`.\n\nSent as the header `x-tenant`."),
        (
            "Find.trace",
            "Argument `trace`.\n\nSent as the correlation id `trace_id`, in the query, a header or both, as the client \
             is set up. `None` is not sent.",
        ),
        (
            "Find.request",
            "Argument `request`.\n\nSent as the header `x-request-id`, a correlation id. `None` is not sent.",
        ),
        ("Add.name", "Argument `name`.\n\nSent as the field `called` of the body."),
        (
            "Add.note",
            "Argument `note`.\n\nSent as the field `note` of the body. `None` is `null` in a JSON body, and is not sent elsewhere.",
        ),
        ("Add.color", "Argument `color`.\n\nSent as the field `color` of the body. `None` is not sent."),
        (
            "Add.size",
            "Argument `size`.\n\nSent as the field `size` of the body. `None` is not sent, and `Some(None)` is sent as \
             `null`.",
        ),
        ("Replace.shelf", "Argument `shelf`.\n\nSent as the body."),
    ] {
        assert_eq!(doc_of(contract(), name).trim(), expected, "{name}");
    }
}

#[test]
fn setters_document_the_part_of_the_request_that_they_set() {
    assert_eq!(
        doc_of(contract(), "Find.limit()"),
        "Sets the optional argument `limit`.\n\nSent as the query parameter `max`. `None` is not sent."
    );
}

#[test]
fn methods_document_their_route_arguments_and_retries() {
    assert_eq!(
        doc_of(contract(), "Api.replace").trim(),
        "`PUT /v1/shelves/{id}`\n\n- `id`: `{id}` in the path\n- `shelf`: the body\n\nIt is idempotent: clients may retry it \
         after any transient failure."
    );
}

#[test]
fn the_request_has_its_own_section_after_documentation() {
    let documented = expand(
        "client = Client, module = api",
        &quote! {
            trait Api {
                /// Finds a shelf.
                ///
                /// # Errors
                ///
                /// If it does not exist.
                #[get("/shelves/{id}")]
                async fn find(&self, id: u64) -> Result<Shelf>;
            }
        },
    );
    let docs = doc_of(documented, "Api.find");
    assert!(
        docs.contains("If it does not exist.") && docs.contains("\n# Request\n\n`GET /shelves/{id}`"),
        "{docs}"
    );
}

#[test]
fn structs_of_operations_document_their_route_and_retries() {
    assert_eq!(
        doc_of(contract(), "Add"),
        "Arguments of [`Api::add`](super::Api::add).\n\n`POST /v1/shelves`\n\nIt is not idempotent: clients retry it only \
         if the service has not processed the request."
    );
}
