//! The struct of an operation, which holds the arguments, encodes requests and decodes responses without I/O.

use super::fields::{Field, Generics, where_clause_with};
use super::{
    Scope, allow_lints, allow_nullable, call_lifetime, call_with_form, docs, error_span, future_of,
    has_default_form, local, name_lifetimes, none_check, runtime_call, type_parameter, values,
};
use crate::model::{Constant, NoneAs, Operation, Param, Place, Shape, is_header, is_media_type};
use crate::template::{Extent, Segment};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

pub(super) fn expand(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let (cfgs, type_ident) = (&operation.cfgs, &operation.type_ident);
    let deprecated = &operation.deprecated;
    let call = call_lifetime();
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    let generics = Generics::of(scope, &fields);
    let Generics { params, defaulted, idents, where_clause, .. } = &generics;
    let lifetime = fields.iter().any(|field| field.borrows).then(|| quote!(#call,));

    let declarations = fields.iter().map(|field| {
        let (ident, ty, doc) = (&field.param.ident, &field.ty, docs::argument(field.param));
        quote!(#doc pub #ident: #ty)
    });
    let new = new(scope, operation, &fields);
    let setters = fields.iter().map(|field| setter(scope, field, fields.len() > 1));
    let methods = methods(scope, operation, &generics);
    let encode = encode(scope, operation);
    let route = &operation.const_ident;
    let name = type_ident.to_string();
    let about = format!("Arguments of {}.", scope.link(operation));
    let docs = docs::operation_struct(operation, &about);
    let (allow, allow_nullable) =
        (allow_lints(), allow_nullable(operation.params.iter().map(|param| &param.ty)));
    let copies = copies(scope, operation, &fields, &generics);
    quote! {
        #(#cfgs)*
        #docs
        #allow_nullable
        #(#deprecated)*
        #[non_exhaustive]
        pub struct #type_ident<#lifetime #defaulted> #where_clause { #(#declarations),* }

        #(#cfgs)*
        #allow
        impl<#lifetime #params> #type_ident<#lifetime #idents> #where_clause { #new #(#setters)* #methods }

        #(#cfgs)*
        impl<#lifetime #params> #rt::Operation for #type_ident<#lifetime #idents> #where_clause {
            const ROUTE: &'static #rt::Route = #route;
            #encode
        }

        #copies

        #(#cfgs)*
        impl<#lifetime #params> #private::Debug for #type_ident<#lifetime #idents> #where_clause {
            fn fmt(&self, formatter: &mut #private::Formatter<'_>) -> #private::fmt::Result {
                #private::opaque(formatter, #name)
            }
        }
    }
}

/// Generates `Clone` and `Copy`, each under the condition that the arguments implement it.
fn copies(
    scope: &Scope<'_>,
    operation: &Operation,
    fields: &[Field<'_>],
    generics: &Generics,
) -> TokenStream {
    let (private, cfgs, type_ident) = (&scope.private, &operation.cfgs, &operation.type_ident);
    let Generics { params, idents, where_clause, .. } = generics;
    let call = call_lifetime();
    let lifetime = fields.iter().any(|field| field.borrows).then(|| quote!(#call,));
    let conditional =
        fields.iter().filter(|field| !field.param.is_copy()).map(|field| &field.ty).collect::<Vec<_>>();
    let clone_if = where_clause_with(scope, where_clause, "CloneIf", conditional.iter());
    let copy_if = where_clause_with(scope, where_clause, "CopyIf", conditional.iter());
    let clone = if conditional.is_empty() {
        quote!(*self)
    } else {
        let idents = fields.iter().map(|field| &field.param.ident);
        let values = idents.map(|ident| quote!(#ident: #private::Clone::clone(&self.#ident)));
        quote!(Self { #(#values),* })
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived] // Clippy would ask for `derive(Clone)`, which would require `Clone` of the payload types.
        impl<#lifetime #params> #private::Clone for #type_ident<#lifetime #idents> #clone_if {
            fn clone(&self) -> Self { #clone }
        }

        #(#cfgs)*
        impl<#lifetime #params> #private::Copy for #type_ident<#lifetime #idents> #copy_if {}
    }
}

fn new(scope: &Scope<'_>, operation: &Operation, fields: &[Field<'_>]) -> TokenStream {
    let private = &scope.private;
    let required = fields.iter().filter(|field| !field.param.is_optional());
    let inputs = required.clone().map(|field| {
        let (ident, ty) = (&field.param.ident, &field.ty);
        quote!(#ident: #ty)
    });
    let values = fields.iter().map(|field| {
        let ident = &field.param.ident;
        if field.param.is_optional() { quote!(#ident: #private::None) } else { quote!(#ident) }
    });
    let doc = match required.clone().count() {
        0 => format!("Creates a call of `{}` with no arguments.", operation.name()),
        _ => format!("Creates a call of `{}` with its required arguments.", operation.name()),
    };
    let described = required.clone().filter(|field| !field.param.docs.is_empty());
    let described: Vec<_> = described.map(|field| field.param.docs_as_list_item()).collect();
    let gap = (!described.is_empty()).then(|| quote!(#[doc = ""]));
    quote! {
        #[doc = #doc]
        #gap
        #(#described)*
        #[must_use]
        pub fn new(#(#inputs),*) -> Self { Self { #(#values),* } }
    }
}

/// Generates the setter of an optional argument. `has_more` is true if the operation has other arguments.
fn setter(scope: &Scope<'_>, field: &Field<'_>, has_more: bool) -> TokenStream {
    let private = &scope.private;
    let (Shape::Optional(inner) | Shape::OptionalBorrowed(inner) | Shape::NullableBorrowed(inner)) =
        &field.param.shape
    else {
        return TokenStream::new();
    };
    let ident = &field.param.ident;
    let call = call_lifetime();
    let (inner, _) = name_lifetimes(inner, &call);
    let lifetime = field.param.static_lifetime().unwrap_or(&call);
    let ty = match field.param.shape {
        Shape::OptionalBorrowed(_) => quote!(&#lifetime #inner),
        Shape::NullableBorrowed(_) => quote!(#private::Option<&#lifetime #inner>),
        _ => quote!(#inner),
    };
    let docs = docs::setter(field.param);
    let rest = has_more.then(|| quote!(, ..self));
    quote! {
        #docs
        #[must_use]
        pub fn #ident(self, #ident: #ty) -> Self { Self { #ident: #private::Some(#ident) #rest } }
    }
}

fn methods(scope: &Scope<'_>, operation: &Operation, generics: &Generics) -> TokenStream {
    let Scope { rt, private, contract, .. } = scope;
    let (method, route, output) = (&operation.ident, &operation.const_ident, &operation.output);
    let Generics { rest, rest_where, .. } = generics;
    let service_type = type_parameter("Service");
    let service = local("service");
    let fields = operation.params.iter().map(|param| &param.ident);
    let decode_doc = format!(
        "Decodes the result of this operation from `response`, without I/O.\n\n# Errors\n\n\
         Returns an error if the response is an error response or does not match the return type of {}.",
        scope.link(operation)
    );
    let send_doc = "Calls this operation on `service`, a client or any other implementation of the trait.\n\n\
                    # Errors\n\nReturns the error of the call.";
    let decode_where = (!rest_where.is_empty()).then(|| quote!(where #rest_where));
    let future = future_of(private, output);
    let arguments = quote!(#route, response);
    let decode = if has_default_form(operation) {
        runtime_call(output, rt, "decode", &arguments)
    } else {
        call_with_form(scope, operation, "decode_as", &arguments)
    };
    let none = none_check(scope, operation);
    quote! {
        #[doc = #decode_doc]
        pub fn decode<#rest>(response: #rt::Response) -> #output #decode_where {
            #none
            #decode
        }

        #[doc = #send_doc]
        pub fn send<#service_type, #rest>(self, #service: &#service_type) -> #future
        where #service_type: #contract + ?#private::Sized, #rest_where
        {
            <#service_type as #contract>::#method(#service, #(self.#fields),*)
        }
    }
}

/// Generates one statement for each piece of the path, the last with the constant query parameters.
fn path(scope: &Scope<'_>, operation: &Operation, encoder: &Ident) -> TokenStream {
    let segments = &operation.segments[..];
    let mut query = constant_query(operation);
    let mut statements = TokenStream::new();
    // The length of the start of the next literal that belongs to the statement of the placeholder before it.
    let mut taken = 0;
    for (at, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Literal(literal) => {
                let literal = &literal[std::mem::take(&mut taken)..];
                if at + 1 == segments.len() && !query.is_empty() {
                    let end = format!("{literal}{}", std::mem::take(&mut query));
                    statements.extend(quote!(#encoder.constant_query(#end);));
                } else if !literal.is_empty() {
                    statements.extend(quote!(#encoder.literal(#literal);));
                }
            }
            Segment::Placeholder { name, extent, .. } => {
                let Some(param) = operation.params.iter().find(|param| param.is_in_path_as(name)) else {
                    continue;
                };
                let (argument, value, span) =
                    (param.name(), values::written(scope, param), error_span(&param.ty));
                statements.extend(match extent {
                    Extent::Whole => quote_spanned!(span => #encoder.path(#argument, #value);),
                    Extent::Rest => quote_spanned!(span => #encoder.path_rest(#argument, #value);),
                    Extent::Part => {
                        let (literal, is_last) = end_of_part(&segments[at + 1..]);
                        taken = literal.len();
                        quote_spanned!(span => #encoder.path_part(#argument, #value, #literal, #is_last);)
                    }
                });
            }
            // A valid operation has none.
            Segment::Invalid => {}
        }
    }
    if !query.is_empty() {
        statements.extend(quote!(#encoder.constant_query(#query);));
    }
    statements
}

/// Returns the literal between a placeholder and the next one or the end of the segment, and whether the segment
/// ends there.
fn end_of_part(after: &[Segment]) -> (&str, bool) {
    let [Segment::Literal(literal), rest @ ..] = after else { return ("", true) };
    match literal.split_once('/') {
        Some((literal, _)) => (literal, true),
        None => (literal, rest.is_empty()),
    }
}

/// Returns the constant query parameters with a `?` in front, or an empty string if there are none.
fn constant_query(operation: &Operation) -> String {
    let pairs = operation.constants.queries.iter().enumerate().map(|(at, Constant { name, value })| {
        let separator = if at == 0 { '?' } else { '&' };
        format!("{separator}{}={}", escaped(name), escaped(value))
    });
    pairs.collect()
}

/// Escapes all bytes but the unreserved ones of RFC 3986, as the runtime does for arguments.
fn escaped(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// Generates one statement for each part of the request that carries an argument: first the path, then the
/// arguments in declaration order, since the order of query parameters and JSON keys is part of the contract.
fn encode(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let route = &operation.const_ident;
    let (encoder, encoding) = (local("encoder"), local("encoding"));
    let has_body = operation.has_body();
    let headers =
        operation.constants.headers.iter().filter(|header| has_body || header.name != "content-type");
    let headers = headers.map(|Constant { name, value }| {
        // Evaluated by the compiler.
        let name = quote!(const { #private::HeaderName::from_static(#name) });
        let value = quote!(const { #private::HeaderValue::from_static(#value) });
        quote!(#encoder.constant_header(#name, #value);)
    });
    let path = path(scope, operation, &encoder);
    let codec = operation.codecs.custom_request();
    let (fields, body) = (local("fields"), local("body"));
    let rest = operation.params.iter().flat_map(|param| {
        let (encoder, body) = (&encoder, &body);
        param.places.iter().map(move |place| {
            let (ident, argument) = (&param.ident, param.name());
            let (span, value) = (error_span(&param.ty), values::written(scope, param));
            match place {
                Place::Path(_) => TokenStream::new(),
                Place::Query(name) => quote_spanned!(span => #encoder.query(#argument, #name, #value);),
                Place::QueryList(name) => {
                    quote_spanned!(span => #encoder.query_list(#argument, #name, #value);)
                }
                Place::QueryFields => {
                    quote_spanned!(span => #encoder.query_fields(#argument, &self.#ident);)
                }
                Place::Header(name) if is_media_type(name) => {
                    quote_spanned!(span => #encoder.media_type(#argument, #name, #value);)
                }
                Place::Header(name) => quote_spanned!(span => #encoder.header(#argument, #name, #value);),
                Place::HeaderList(name) => {
                    quote_spanned!(span => #encoder.header_list(#argument, #name, #value);)
                }
                Place::Correlation(name) => correlation(scope, param, name),
                Place::Field(name) => match codec {
                    None => {
                        let field = match param.none_as {
                            NoneAs::Null => quote!(field),
                            NoneAs::Omitted => quote!(optional_field),
                            NoneAs::OmittedOrNull => quote!(nullable_field),
                        };
                        quote_spanned!(span => #encoder.#field(#argument, #name, &self.#ident);)
                    }
                    Some(codec) => field_as(scope, param, codec, name),
                },
                Place::Body => match codec {
                    None => quote_spanned!(span => #encoder.body(#argument, &self.#ident);),
                    Some(codec) => {
                        let (function, value) = match &param.shape {
                            Shape::Owned => (quote!(body_as), quote!(&self.#ident)),
                            Shape::Borrowed(_) => (quote!(body_as), quote!(self.#ident)),
                            Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_) => {
                                (quote!(optional_body_as), quote!(self.#ident))
                            }
                            Shape::Optional(_) => {
                                let value = quote!(#private::Option::as_ref(&self.#ident));
                                (quote!(optional_body_as), value)
                            }
                        };
                        quote_spanned! { span =>
                            let #body = #encoder.#function::<#codec, _>(#argument, #value);
                        }
                    }
                },
            }
        })
    });
    let (start, finish) = frame(scope, operation, [&encoder, &fields, &body]);
    quote! {
        fn encode_with(&self, #encoding: &#rt::Encoding) -> #private::Result<#rt::Request, #rt::Error> {
            let mut #encoder = #rt::Encoder::new(#route, #encoding);
            #start
            #path
            #(#headers)*
            #(#rest)*
            #finish
        }
    }
}

/// Generates the statement that adds the correlation ID.
fn correlation(scope: &Scope<'_>, param: &Param, name: &str) -> TokenStream {
    let (encoder, value) = (local("encoder"), values::written(scope, param));
    let (argument, span) = (param.name(), error_span(&param.ty));
    if is_header(name) {
        return quote_spanned!(span => #encoder.correlation_header(#argument, #name, #value););
    }
    let header = name.to_ascii_lowercase();
    if header == name {
        quote_spanned!(span => #encoder.correlation(#argument, #name, #value);)
    } else {
        quote_spanned!(span => #encoder.correlation_as(#argument, #name, #header, #value);)
    }
}

/// Generates the statement that adds a field of a codec other than JSON. What is left out does not reach the codec.
fn field_as(scope: &Scope<'_>, param: &Param, codec: &Path, name: &str) -> TokenStream {
    let private = &scope.private;
    let (encoder, fields, value) = (local("encoder"), local("fields"), local("value"));
    let (ident, argument, span) = (&param.ident, param.name(), error_span(&param.ty));
    match param.none_as {
        NoneAs::Null => quote_spanned! { span =>
            #encoder.field_as::<#codec, _>(&mut #fields, #argument, #name, &self.#ident);
        },
        NoneAs::Omitted => quote_spanned! { span =>
            if let #private::Some(#value) = &self.#ident {
                #encoder.field_as::<#codec, _>(&mut #fields, #argument, #name, #value);
            }
        },
        NoneAs::OmittedOrNull => quote_spanned! { span =>
            #encoder.nullable_field_as::<#codec, _>(&mut #fields, #argument, #name, &self.#ident);
        },
    }
}

/// Generates the statements before and after those of the arguments: the writer of the fields, if the codec has one,
/// and the end of the request.
fn frame(
    scope: &Scope<'_>,
    operation: &Operation,
    [encoder, fields, body]: [&Ident; 3],
) -> (TokenStream, TokenStream) {
    let Scope { rt, private, .. } = scope;
    let codec = operation.codecs.custom_request();
    let is_body = operation.params.iter().any(|param| param.places.contains(&Place::Body));
    let json = quote!(#rt::codec::Json);
    let accepted = operation.codecs.custom_response().map_or(&json as &dyn quote::ToTokens, |codec| codec);
    let has_body = operation.has_arguments_in_body() || operation.verb.always_has_a_body();
    match codec.filter(|_| has_body) {
        None if operation.codecs.custom_response().is_none() => (quote!(), quote!(#encoder.finish())),
        None => (quote!(), quote!(#private::finish_json::<#accepted>(#encoder))),
        Some(_) if is_body => (quote!(), quote!(#encoder.finish_with::<#accepted>(#body))),
        Some(codec) if operation.has_arguments_in_body() => (
            quote!(let mut #fields = #private::fields_of::<#codec>();),
            quote!(#encoder.finish_with::<#accepted>(#private::body_of::<#codec>(#fields))),
        ),
        Some(codec) => {
            (quote!(), quote!(#encoder.finish_with::<#accepted>(#private::without_arguments::<#codec>())))
        }
    }
}
