use wiretrait::http_api;

#[http_api(client = Client, module = api)]
struct Api;

fn used(_: Api) {}

fn main() {}
