//! `graph-sim`: the simulator as a process.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use graph_sim::{
    AppConfig, DeviceFlow, DeviceOutcome, Faults, MutatorPace, PRESETS, Sim, SimClock, SimConfig,
    TenantProfile, ThrottleTier, TlsFiles, WireConfig, preset,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A Microsoft Graph on loopback.
#[derive(Parser)]
#[command(name = "graph-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Listens until it is interrupted; prints its URLs as one line of JSON.
    Serve(Box<Serve>),
    /// Prints the faults of a preset as JSON, to be changed and given to --faults.
    Faults {
        /// One of the presets.
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(PRESETS))]
        name: String,
    },
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    tenant: TenantArgs,
    /// A preset's name, or a file of faults as JSON.
    #[arg(long, default_value = "none")]
    faults: String,
    /// Seed of the faults.
    #[arg(long)]
    faults_seed: Option<u64>,
    /// Throttles as a tenant of this size is throttled.
    #[arg(long)]
    throttle: Option<ThrottleTier>,
    /// Multiplies every limit.
    #[arg(long, default_value_t = 1.0)]
    throttle_factor: f64,
    /// Part of the tenant's units in 5 minutes that other apps use up, 0 to 1.
    #[arg(long, value_name = "PART", requires = "throttle", default_value_t = 0.0, value_parser = part)]
    other_app: f64,
    /// Refuses and writes down requests above so many in flight in a bucket.
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(u32).range(1..))]
    in_flight_max: Option<u32>,
    /// Where the API and the sign-in listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where pre-authenticated URLs point to.
    #[arg(long, default_value = "127.0.0.1:0")]
    content_listen: SocketAddr,
    /// Answers https; keys and certificates are in this folder, made when they are missing.
    #[arg(long, value_name = "FOLDER")]
    tls: Option<PathBuf>,
    /// Simulated seconds in one of the wall's.
    #[arg(long, default_value_t = 1.0)]
    clock_scale: f64,
    /// Changes one drive each so many simulated milliseconds.
    #[arg(long)]
    mutate_every_ms: Option<u64>,
    /// Acts of each such change.
    #[arg(long, default_value_t = 1)]
    mutate_count: u32,
    #[command(flatten)]
    app: AppArgs,
    #[command(flatten)]
    wire: WireArgs,
}

#[derive(Args)]
struct TenantArgs {
    /// Seed of the tenant.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Users with a drive.
    #[arg(long, default_value_t = 3)]
    users: u32,
    /// Users without a drive.
    #[arg(long, default_value_t = 1)]
    users_without_drive: u32,
    /// Users without a licence.
    #[arg(long, default_value_t = 1)]
    users_without_license: u32,
    /// Items in each drive.
    #[arg(long, default_value_t = 100)]
    items: u32,
    /// Median size of files, in bytes.
    #[arg(long, default_value_t = 20_000)]
    size_median: u64,
    /// Standard deviation of the size's logarithm.
    #[arg(long, default_value_t = 1.5)]
    size_sigma: f64,
    /// Largest size, in bytes.
    #[arg(long, default_value_t = 4_000_000)]
    size_max: u64,
    /// All else of the tenant's profile, as JSON in a file; the options above come first.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
}

#[derive(Args)]
struct AppArgs {
    /// Accepts assertions by this certificate (PEM); may be repeated.
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,
    /// Accepts the federated token in this file; may be repeated.
    #[arg(long, value_name = "FILE")]
    federated_token: Vec<PathBuf>,
    /// A permission that was consented to; may be repeated. Default: what backup and restore need.
    #[arg(long)]
    role: Vec<String>,
    /// How long access tokens live, in seconds.
    #[arg(long, default_value_t = 3599)]
    token_lifetime: u32,
    /// How device codes end.
    #[arg(long, default_value = "granted")]
    device: DeviceOutcome,
    /// Polls that are told to wait first.
    #[arg(long, default_value_t = 1)]
    device_pending: u32,
}

#[derive(Args)]
struct WireArgs {
    /// Items of a page without $top.
    #[arg(long, default_value_t = 200)]
    page_default: u32,
    /// Larger $tops are clamped to this.
    #[arg(long, default_value_t = 1000)]
    page_max: u32,
    /// How long pre-authenticated URLs live, in simulated seconds.
    #[arg(long, default_value_t = 3600)]
    url_lifetime: u32,
    /// Lets Authorization pass on pre-authenticated URLs.
    #[arg(long)]
    lenient: bool,
    /// Puts cTag into delta pages.
    #[arg(long)]
    delta_ctag: bool,
    /// Tells parents before their children in a first walk of delta.
    #[arg(long)]
    ordered_feed: bool,
    /// Compresses nothing, whatever Accept-Encoding says.
    #[arg(long)]
    no_gzip: bool,
}

fn main() -> ExitCode {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("GRAPH_SIM_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match Cli::parse().command {
        Command::Serve(serve) => run(&serve),
        Command::Faults { name } => print_faults(&name),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("graph-sim: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn print_faults(name: &str) -> Result<(), Failure> {
    let faults = preset(name).ok_or("there is no preset of that name")?;
    println!("{}", serde_json::to_string_pretty(&faults)?);
    Ok(())
}

fn run(serve: &Serve) -> Result<(), Failure> {
    let config = config(serve)?;
    let authority = config.tls.as_ref().map(TlsFiles::authority);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let sim = Sim::start(config).await?;
        let urls = serde_json::json!({
            "api": sim.api_url().as_str(), "login": sim.login_url().as_str(), "content": sim.content_url().as_str(),
            "graph": sim.api_url().join("v1.0")?.as_str(), "tenant": graph_sim::TENANT_ID, "client_id": graph_sim::CLIENT_ID,
            "ca": authority, "pid": std::process::id(),
        });
        println!("{urls}");
        std::io::stdout().flush()?;
        tokio::signal::ctrl_c().await?;
        sim.stop().await;
        Ok(())
    })
}

fn config(serve: &Serve) -> Result<SimConfig, Failure> {
    let mut faults = faults(&serve.faults)?;
    faults.seed = serve.faults_seed.unwrap_or(faults.seed);
    let clock = SimClock::default();
    clock.set_scale(serve.clock_scale);
    let wire = &serve.wire;
    Ok(SimConfig {
        tenant: tenant(&serve.tenant)?,
        faults,
        throttle: serve.throttle,
        throttle_factor: serve.throttle_factor,
        other_app: serve.other_app,
        in_flight_max: serve.in_flight_max,
        listen: serve.listen,
        content_listen: serve.content_listen,
        tls: serve.tls.clone().map(|folder| TlsFiles { folder }),
        clock,
        app: app(&serve.app)?,
        wire: WireConfig {
            page_default: wire.page_default,
            page_max: wire.page_max,
            url_lifetime_s: wire.url_lifetime,
            lenient_preauth: wire.lenient,
            delta_ctag: wire.delta_ctag,
            ordered_feed: wire.ordered_feed,
            gzip: !wire.no_gzip,
            ..WireConfig::default()
        },
        mutator: serve
            .mutate_every_ms
            .map(|interval_ms| MutatorPace { interval_ms, count: serve.mutate_count }),
    })
}

/// A number from 0 to 1.
fn part(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err("a number from 0 to 1 is wanted".into()) }
}

fn faults(name: &str) -> Result<Faults, Failure> {
    match preset(name) {
        Some(faults) => Ok(faults),
        None => Ok(serde_json::from_slice(&fs::read(name)?)?),
    }
}

fn tenant(args: &TenantArgs) -> Result<TenantProfile, Failure> {
    let base: TenantProfile = match &args.profile {
        Some(path) => serde_json::from_slice(&fs::read(path)?)?,
        None => TenantProfile::default(),
    };
    Ok(TenantProfile {
        seed: args.seed,
        users: args.users,
        users_without_drive: args.users_without_drive,
        users_without_license: args.users_without_license,
        items_per_drive: args.items,
        size_median: args.size_median,
        size_sigma: args.size_sigma,
        size_max: args.size_max,
        ..base
    })
}

fn app(args: &AppArgs) -> Result<AppConfig, Failure> {
    let mut app = AppConfig {
        token_lifetime_s: args.token_lifetime,
        device: DeviceFlow {
            pending_polls: args.device_pending,
            outcome: args.device,
            ..DeviceFlow::default()
        },
        ..AppConfig::default()
    };
    if !args.role.is_empty() {
        app.roles.clone_from(&args.role);
    }
    for path in &args.certificate {
        app.certificates.push(CertificateDer::from_pem_file(path)?.to_vec());
    }
    for path in &args.federated_token {
        app.federated_tokens.push(fs::read_to_string(path)?.trim().to_string());
    }
    Ok(app)
}
