//! Routes that a service could not tell apart.

use super::Operation;
use crate::attr::Verb;
use crate::errors::Errors;

/// Takes out the operations whose requests an earlier one answers: the first route that fits is taken.
pub(super) fn check(methods: &mut [Option<Operation>], errors: &mut Errors) {
    let mut earlier: Vec<(Verb, String, String)> = Vec::new();
    for method in methods {
        // What is not always there takes no route away for certain.
        let Some(operation) = method.as_ref().filter(|operation| operation.cfgs.is_empty()) else { continue };
        let (verb, template, name) = (operation.verb, operation.template.clone(), operation.name());
        let covering = earlier.iter().find(|(v, covering, _)| *v == verb && covers(covering, &template));
        if let Some((_, covering, other)) = covering {
            let method_name = verb.method();
            let message = if covers(&template, covering) {
                format!(
                    "`{other}` and `{name}` are both `{method_name} {covering}`: give one of them another route"
                )
            } else {
                format!(
                    "`{name}` is never reached, since `{method_name} {covering}` of `{other}` fits its requests too: \
                     declare `{name}` before `{other}`"
                )
            };
            errors.on(&operation.ident, message);
            *method = None;
        } else {
            earlier.push((verb, template, name));
        }
    }
}

/// Whether every path of `template` is one of `covering` as well.
fn covers(covering: &str, template: &str) -> bool {
    let (a, b) = (covering.split('/'), template.split('/'));
    a.clone().count() == b.clone().count()
        && a.zip(b).all(|(a, b)| a == b || is_placeholder(a) && !b.is_empty())
}

fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{')
}
