//! Options of every command that calls Microsoft Graph.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use url::Url;

use super::values;

/// Who we are, and where Microsoft is. Besides CORSO_…, the variables AZURE_TENANT_ID, AZURE_CLIENT_ID,
/// AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Microsoft Graph (the client secret itself: AZURE_CLIENT_SECRET, or a prompt)")]
pub struct GraphArgs {
    /// The tenant's ID or one of its domains [default: AZURE_TENANT_ID]
    #[arg(long, value_name = "TENANT")]
    pub tenant_id: Option<String>,
    /// The application's ID [default: AZURE_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Read the client secret from a file; a newline at its end does not count
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// Run a command, without a shell, and take its output as the client secret
    #[arg(long, value_name = "COMMAND")]
    pub client_secret_command: Option<String>,
    /// Sign in with a certificate: a PEM file with it and its RSA key
    #[arg(long, value_name = "FILE")]
    pub client_certificate_file: Option<PathBuf>,
    /// Sign in with the token in a file, as Kubernetes keeps it
    #[arg(long, value_name = "FILE")]
    pub federated_token_file: Option<PathBuf>,
    /// Sign in as a person, with a code in a browser
    #[arg(long)]
    pub device_code: bool,
    /// Which of Microsoft's clouds
    #[arg(long, value_name = "CLOUD", default_value = "global")]
    pub cloud: CloudArg,
    /// Graph's address, if it is in none of the clouds
    #[arg(long, value_name = "URL")]
    pub graph_url: Option<Url>,
    /// The sign-in's address, if it is in none of the clouds
    #[arg(long, value_name = "URL")]
    pub login_url: Option<Url>,
    /// Trust these certificates for Graph too: a PEM file
    #[arg(long, value_name = "FILE")]
    pub graph_ca_file: Option<PathBuf>,
    /// Resource units a second to begin with, for files; what Microsoft answers changes it [default: 16.6]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub units_per_second: Option<usize>,
    /// Whom Microsoft sees as the sender: the User-Agent is `ISV|COMPANY|Corso/VERSION`
    #[arg(long, value_name = "NAME", default_value = "Corso")]
    pub company: String,
}

/// Microsoft's clouds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CloudArg {
    #[default]
    Global,
    /// US Government, L4
    UsGov,
    /// US Department of Defense, L5
    Dod,
    /// Run by 21Vianet
    China,
}
