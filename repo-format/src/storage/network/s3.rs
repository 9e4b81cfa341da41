//! S3 and servers that speak its protocol.

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};

use super::credentials::{Credentials, unusable};
use super::http::Connector;
use super::object_lock::Bucket;
use super::profile::Profile;
use super::{client_options, no_retries, setup};
use crate::storage::error::StorageError;
use crate::storage::location::Location;
use crate::storage::open::Opened;
use crate::storage::options::StorageOptions;
use crate::storage::secret::Secret;

/// Where nobody says which region.
const REGION: &str = "us-east-1";

/// Where requests to S3 get their keys from, and the region that goes with them.
#[derive(Debug, Clone, Default)]
pub struct AwsCredentials {
    /// The keys, or who hands them out.
    pub source: AwsSource,
    /// Used where the location names no region.
    pub region: Option<String>,
}

/// The sources of keys that AWS tools know.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum AwsSource {
    /// Fixed keys, with the session token that belongs to temporary ones.
    Keys { access_key_id: String, secret_access_key: Secret, session_token: Option<Secret> },
    /// A token file and a role to take on with it.
    WebIdentity { token_file: String, role_arn: String, session_name: Option<String> },
    /// The container's own service (ECS).
    Container { relative_uri: String },
    /// The pod's own service (EKS).
    Pod { full_uri: String, token_file: String },
    /// The machine's own service (EC2).
    #[default]
    Instance,
}

impl AwsCredentials {
    /// Environment keys, web identity, profile files, container, machine: in this order.
    pub(super) fn from_environment(
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<AwsCredentials, StorageError> {
        let variables = env_keys(env)?;
        let profile = Profile::load(env)?;
        let region = env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION"));
        let region = region.or_else(|| profile.get("region").map(str::to_string));
        let source = match variables.or_else(|| web_identity(env)) {
            Some(source) => source,
            None => match profile_keys(&profile)? {
                Some(source) => source,
                None => service(env)?,
            },
        };
        Ok(AwsCredentials { source, region })
    }
}

fn env_keys(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<AwsSource>, StorageError> {
    let token = env("AWS_SESSION_TOKEN");
    keys(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), token, "the environment")
}

fn profile_keys(profile: &Profile) -> Result<Option<AwsSource>, StorageError> {
    let get = |key: &str| profile.get(key).filter(|value| !value.is_empty()).map(str::to_string);
    let token = get("aws_session_token");
    let found = keys(get("aws_access_key_id"), get("aws_secret_access_key"), token, "the profile")?;
    let foreign = ["role_arn", "sso_session", "sso_start_url", "credential_process"];
    match foreign.into_iter().find(|key| found.is_none() && profile.get(key).is_some()) {
        None => Ok(found),
        Some(key) => Err(unusable(format!(
            "the AWS profile asks for `{key}`, which is not supported; export keys to the \
             environment instead, for example by `aws configure export-credentials`"
        ))),
    }
}

fn keys(
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    whence: &str,
) -> Result<Option<AwsSource>, StorageError> {
    match (id, secret) {
        (Some(access_key_id), Some(secret)) => Ok(Some(AwsSource::Keys {
            access_key_id,
            secret_access_key: Secret::new(secret),
            session_token: token.map(Secret::new),
        })),
        (None, None) => Ok(None),
        _ => Err(unusable(format!("{whence} has one of access key ID and secret key, not both"))),
    }
}

fn web_identity(env: &dyn Fn(&str) -> Option<String>) -> Option<AwsSource> {
    Some(AwsSource::WebIdentity {
        token_file: env("AWS_WEB_IDENTITY_TOKEN_FILE")?,
        role_arn: env("AWS_ROLE_ARN")?,
        session_name: env("AWS_ROLE_SESSION_NAME"),
    })
}

fn service(env: &dyn Fn(&str) -> Option<String>) -> Result<AwsSource, StorageError> {
    if let Some(relative_uri) = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return Ok(AwsSource::Container { relative_uri });
    }
    let full_uri = env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let token_file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if let (Some(full_uri), Some(token_file)) = (full_uri, token_file) {
        return Ok(AwsSource::Pod { full_uri, token_file });
    }
    match env("AWS_EC2_METADATA_DISABLED").as_deref() {
        Some("true") => Err(unusable(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        )),
        _ => Ok(AwsSource::Instance),
    }
}

/// Opens a bucket.
pub(super) fn open(location: &Location, options: &StorageOptions) -> Result<Opened, StorageError> {
    let Location::S3 { bucket, endpoint, region, path_style, ca_file, .. } = location else {
        return Err(unusable("not an S3 location"));
    };
    let credentials = match &options.credentials {
        Credentials::Aws(credentials) => credentials.clone(),
        _ => AwsCredentials::default(),
    };
    let path_style = path_style.unwrap_or(endpoint.is_some());
    let region = region.as_ref().or(credentials.region.as_ref()).map_or(REGION, String::as_str);
    let client_options = client_options(ca_file.as_deref(), endpoint.as_deref(), options)?;
    let connector = Connector::default();
    let signer = connector.signer.clone();
    let lock_options = client_options.clone();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_virtual_hosted_style_request(!path_style)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // Not every server has the bulk request, and the single one is never refused.
        .with_disable_bulk_delete(true)
        .with_retry(no_retries(options))
        .with_region(region)
        .with_client_options(client_options)
        .with_http_connector(connector);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(bucket_endpoint(endpoint, bucket, path_style)?);
    }
    let builder = authorize(builder, &credentials.source);
    let store = builder.build().map_err(|error| setup("S3", error))?;
    signer.fill(region, store.credentials());
    let url = bucket_url(endpoint.as_deref(), bucket, region, path_style)?;
    Ok(Opened::paged(store).with_object_lock(Bucket::new(url, signer, lock_options)))
}

/// Where requests go that object_store does not make: the same place, put together by the same rules.
fn bucket_url(
    endpoint: Option<&str>,
    bucket: &str,
    region: &str,
    path_style: bool,
) -> Result<String, StorageError> {
    let amazon = format!("https://s3.{region}.amazonaws.com");
    let url = bucket_endpoint(endpoint.unwrap_or(&amazon), bucket, path_style)?;
    Ok(if path_style { format!("{url}/{bucket}") } else { url })
}

/// object_store wants the bucket in the endpoint's host name already when it belongs there.
fn bucket_endpoint(endpoint: &str, bucket: &str, path_style: bool) -> Result<String, StorageError> {
    let endpoint = endpoint.trim_end_matches('/');
    if path_style {
        return Ok(endpoint.to_string());
    }
    let (scheme, host) = endpoint.split_once("://").ok_or_else(|| unusable("an odd endpoint"))?;
    Ok(format!("{scheme}://{bucket}.{host}"))
}

fn authorize(builder: AmazonS3Builder, source: &AwsSource) -> AmazonS3Builder {
    use AmazonS3ConfigKey as Key;
    match source {
        AwsSource::Keys { access_key_id, secret_access_key, session_token } => {
            let builder =
                builder.with_access_key_id(access_key_id).with_secret_access_key(secret_access_key.expose());
            match session_token {
                Some(token) => builder.with_token(token.expose()),
                None => builder,
            }
        }
        AwsSource::WebIdentity { token_file, role_arn, session_name } => {
            let builder = builder
                .with_config(Key::WebIdentityTokenFile, token_file)
                .with_config(Key::RoleArn, role_arn);
            match session_name {
                Some(name) => builder.with_config(Key::RoleSessionName, name),
                None => builder,
            }
        }
        AwsSource::Container { relative_uri } => {
            builder.with_config(Key::ContainerCredentialsRelativeUri, relative_uri)
        }
        AwsSource::Pod { full_uri, token_file } => builder
            .with_config(Key::ContainerCredentialsFullUri, full_uri)
            .with_config(Key::ContainerAuthorizationTokenFile, token_file),
        AwsSource::Instance => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(variables: &[(&str, &str)]) -> Result<AwsSource, StorageError> {
        let env = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        };
        AwsCredentials::from_environment(&env).map(|credentials| credentials.source)
    }

    #[test]
    fn environment_keys_come_first_and_show_no_secret() {
        let source = gather(&[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "hidden-key"),
            ("AWS_SESSION_TOKEN", "hidden-token"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_ROLE_ARN", "role"),
        ]);
        let shown = format!("{:?}", source.unwrap());
        assert!(shown.contains("Keys") && !shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn a_bucket_is_where_object_store_looks_for_it() {
        let url = |endpoint, path_style| bucket_url(endpoint, "b", "eu-1", path_style).unwrap();
        assert_eq!(url(None, false), "https://b.s3.eu-1.amazonaws.com");
        assert_eq!(url(None, true), "https://s3.eu-1.amazonaws.com/b");
        assert_eq!(url(Some("http://host:1/"), true), "http://host:1/b");
        assert_eq!(url(Some("http://host:1"), false), "http://b.host:1");
    }

    #[test]
    fn every_source_is_found_by_its_variables() {
        let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "role")];
        assert!(matches!(gather(&web), Ok(AwsSource::WebIdentity { .. })));
        let ecs = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds")];
        assert!(matches!(gather(&ecs), Ok(AwsSource::Container { .. })));
        assert!(matches!(gather(&[]), Ok(AwsSource::Instance)));
        assert!(gather(&[("AWS_EC2_METADATA_DISABLED", "true")]).is_err());
        assert!(gather(&[("AWS_ACCESS_KEY_ID", "id")]).is_err());
    }
}
