//! From options to a client of Microsoft Graph.

mod spending;

use std::ops::Deref;

use graph_client::auth::Cloud;
use graph_client::{Graph, GraphConfig, Pace};

use self::spending::Spending;
use super::session::{Session, variable};
use crate::args::{CloudArg, GraphArgs};
use crate::config::Places;
use crate::exit::CliError;
use crate::secret::{choose_application, read_application};

/// Where is kept what applications spent today, in the state folder.
const SPENDING: &str = "budget";

/// A client whose spending is kept for the next one, at the latest when this is dropped.
pub struct Connection {
    graph: Graph,
    _spending: Spending,
}

impl Deref for Connection {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.graph
    }
}

/// A client that makes so many calls at a time, at most. Nothing is sent yet.
///
/// # Errors
/// What is missing or wrong in the settings, or keeps the secret from being read.
pub fn connect(session: &Session, args: &GraphArgs, calls: usize) -> anyhow::Result<Connection> {
    let config = GraphConfig { parallelism: calls, ..config(session, args)? };
    let folder = Places::state(&session.global)?.join(SPENDING);
    let (cloud, tenant, client) =
        (config.cloud.graph_url()?, config.tenant.clone(), config.client_id.clone());
    let graph = Graph::new(config)?;
    let spending = Spending::keep(&graph, &folder, &[cloud.as_str(), &tenant, &client]);
    Ok(Connection { graph, _spending: spending })
}

fn config(session: &Session, args: &GraphArgs) -> anyhow::Result<GraphConfig> {
    let tenant = named(&args.tenant_id, "AZURE_TENANT_ID", "no tenant is named")?;
    let client = named(&args.client_id, "AZURE_CLIENT_ID", "no application is named")?;
    let output = session.output.clone();
    let credential = read_application(
        choose_application(args, &variable)?,
        &mut |warning| session.output.warn(warning),
        move |prompt| {
            let (place, code) = (&prompt.verification_uri, &prompt.user_code);
            output.warn(format!("to sign in, open {place} in a browser and enter the code {code}"));
        },
    )?;
    let extra_roots = args.graph_ca_file.as_ref().map(|path| {
        std::fs::read(path).map_err(|source| CliError::File { path: path.display().to_string(), source })
    });
    Ok(GraphConfig {
        cloud: cloud(args)?,
        pace: pace(args),
        company: args.company.clone(),
        extra_roots: extra_roots.transpose()?,
        ..GraphConfig::new(tenant, client, credential)
    })
}

fn named(option: &Option<String>, name: &str, what: &str) -> Result<String, CliError> {
    let from_environment = || variable(name).and_then(|value| value.into_string().ok());
    let value = option.clone().or_else(from_environment).filter(|value| !value.is_empty());
    value.ok_or_else(|| CliError::Usage {
        what: what.to_owned(),
        hint: "use --tenant-id and --client-id, or set AZURE_TENANT_ID and AZURE_CLIENT_ID",
    })
}

/// How fast to begin. Who knows that the tenant is granted more may begin with it.
fn pace(args: &GraphArgs) -> Pace {
    let mut pace = Pace::default();
    if let Some(units) = args.units_per_second {
        let rate = units as f64;
        for limits in [&mut pace.files, &mut pace.directory] {
            limits.rate = rate;
            limits.rate_max = limits.rate_max.max(rate);
            limits.burst = limits.burst.max(rate);
        }
    }
    pace
}

/// The cloud that is meant; an address given by itself leaves the other as it is.
fn cloud(args: &GraphArgs) -> anyhow::Result<Cloud> {
    let named = match args.cloud {
        CloudArg::Global => Cloud::Global,
        CloudArg::UsGov => Cloud::UsGov,
        CloudArg::Dod => Cloud::DoD,
        CloudArg::China => Cloud::China,
    };
    if args.graph_url.is_none() && args.login_url.is_none() {
        return Ok(named);
    }
    let login_url = args.login_url.clone().map_or_else(|| named.login_url(), Ok)?;
    let graph_url = args.graph_url.clone().map_or_else(|| named.graph_url(), Ok)?;
    Ok(Cloud::Custom { login_url, graph_url })
}
