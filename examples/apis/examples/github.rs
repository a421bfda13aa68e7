//! Lists the issues of a repository, page by page: `github URL [OWNER REPO]`, for example with the URL
//! <https://api.github.com>.
//!
//! The token is that of `$GITHUB_TOKEN`. Without OWNER and REPO, the server is one of recorded traffic, of which this
//! program asks for a recorded repository.

use apis::github::{Issues, IssuesClient};
use serde::Deserialize;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Error, ErrorKind, Result, http_api};

/// A server of recorded traffic.
#[http_api(client = FixturesClient, module = fixtures, client_only)]
trait Fixtures {
    #[post("/fixtures")]
    async fn load(&self, #[field] scenario: &str) -> Result<Loaded>;
}

#[derive(Deserialize)]
struct Loaded {
    url: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, owner, repo) = match &arguments[..] {
        [url, owner, repo] => (url.clone(), owner.as_str(), repo.as_str()),
        [url] => {
            let loaded = FixturesClient::connect(url)?.load("paginate-issues").await?;
            (loaded.url, "octokit-fixture-org", "paginate-issues")
        }
        _ => return Err(Error::new(ErrorKind::Config, "usage: github URL [OWNER REPO]")),
    };
    let token = std::env::var("GITHUB_TOKEN").unwrap_or_else(|_| format!("{:040}", 1));
    let credentials = HeaderValue::try_from(format!("token {token}"));
    let mut credentials =
        credentials.map_err(|_| Error::new(ErrorKind::Config, "the token is not valid in a header"))?;
    credentials.set_sensitive(true);
    let config = ClientConfig::from_url(&url)?.with_header(AUTHORIZATION, credentials);
    let issues = IssuesClient::from_config(&config)?.all_issues(owner, repo, 3).await?;
    for issue in &issues {
        println!("#{} {:?} {}", issue.number, issue.state, issue.title);
    }
    println!("{} issues", issues.len());
    Ok(())
}
