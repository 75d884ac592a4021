//! The way to PostgreSQL is encrypted, and leads to nobody but the server whose certificate is vouched for.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use agreements::{Permit, SystemPurpose};
use karez_store::{Batch, DatabaseKind, Precondition, Store, StoreConfig, StoreError};
use kernel::clock::ManualClock;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use testkit::postgres::{Cluster, FreshDatabase};
use testkit::records::{key, patient};
use testkit::{START, SeededEntropy};

/// An authority of the test's own.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self {
            params,
            key: KeyPair::generate().unwrap(),
        }
    }

    /// Its certificate in a file, for `sslrootcert`.
    fn file(&self, dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, self.params.self_signed(&self.key).unwrap().pem()).unwrap();
        path
    }

    /// A certificate for 127.0.0.1 and its key, where PostgreSQL looks for them.
    fn certify(&self, data: &Path) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        for (name, text) in [
            ("server.crt", certificate.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let mut own = Command::new("chown");
            own.arg("--reference").arg(data).arg(&path);
            assert!(own.status().unwrap().success());
        }
    }
}

/// A server that takes the role of the tests on encrypted connections alone.
fn server(dir: &Path, authority: &Authority) -> Option<Cluster> {
    let mut cluster = Cluster::make(dir)?;
    authority.certify(cluster.data());
    let settings = cluster.data().join("postgresql.conf");
    let mut settings = fs::OpenOptions::new().append(true).open(settings).unwrap();
    writeln!(settings, "ssl = on").unwrap();
    let rules = "host all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 trust\n";
    fs::write(cluster.data().join("pg_hba.conf"), rules).unwrap();
    cluster.start(None);
    Some(cluster)
}

async fn open(dir: &Path, url: String) -> Result<Store, StoreError> {
    let folder = tempfile::tempdir_in(dir).unwrap();
    let mut config = StoreConfig::new(
        folder.path(),
        seal::NodeKey::new(seal::Secret::from_bytes([7; 32])),
        Arc::new(ManualClock::at(START)),
        Arc::new(SeededEntropy::new(3)),
    );
    config.database = DatabaseKind::Postgres {
        url,
        nats_url: None,
    };
    Store::open(config).await
}

/// Why the store does not open.
async fn refused(dir: &Path, url: String) -> String {
    match open(dir, url).await {
        Ok(_) => "it opened".to_owned(),
        Err(e) => e.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_is_encrypted_and_another_authority_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let Some(cluster) = server(dir.path(), &authority) else {
        return;
    };
    let database = FreshDatabase::on(&cluster.url()).await;
    let ours = authority.file(dir.path(), "ours.pem");
    let url = |authorities: &Path| {
        let place = authorities.display();
        format!("{}?sslmode=require&sslrootcert={place}", database.url)
    };

    let store = open(dir.path(), url(&ours)).await.unwrap();
    let mut batch = Batch::new(START);
    let k = key("yarqum", "Patient", "p1");
    batch.put_fhir(k.clone(), Precondition::Absent, patient(1));
    store.commit(batch).await.unwrap();
    let read = store
        .get(&Permit::system(SystemPurpose::Job, START), &k, None)
        .await
        .unwrap();
    assert_eq!(read.unwrap().version, 1);
    let rows = database
        .as_superuser()
        .await
        .query(
            "SELECT s.ssl, s.version FROM pg_stat_ssl s JOIN pg_stat_activity a ON a.pid = s.pid \
             WHERE a.usename = 'karez_test'",
            &[],
        )
        .await
        .unwrap();
    // One that writes and at least one that reads.
    assert!(rows.len() >= 2, "{} connections", rows.len());
    for r in &rows {
        assert!(r.get::<_, bool>(0));
        assert!(r.get::<_, &str>(1) >= "TLSv1.2");
    }
    store.close().await;

    let theirs = Authority::new().file(dir.path(), "theirs.pem");
    let said = refused(dir.path(), url(&theirs)).await;
    assert!(said.contains("invalid peer certificate"), "{said}");

    // The authorities of this machine do not know it either; and where TLS was not asked for, it is not given up for that.
    for mode in ["?sslmode=require", "?sslmode=prefer", ""] {
        let said = refused(dir.path(), format!("{}{mode}", database.url)).await;
        assert!(said.contains("invalid peer certificate"), "{mode}: {said}");
    }

    // The certificate is another name's.
    let said = refused(dir.path(), url(&ours).replace("127.0.0.1", "localhost")).await;
    assert!(said.contains("invalid peer certificate"), "{said}");

    // In the clear, this server takes nobody.
    let said = refused(dir.path(), format!("{}?sslmode=disable", database.url)).await;
    assert!(said.contains("PostgreSQL 28000"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut cluster) = Cluster::make(dir.path()) else {
        return;
    };
    cluster.start(None);
    let database = FreshDatabase::on(&cluster.url()).await;
    let said = refused(dir.path(), format!("{}?sslmode=require", database.url)).await;
    assert!(said.contains("TLS"), "{said}");
    // Without the demand it opens, so that nothing else was in the way.
    open(dir.path(), database.url.clone())
        .await
        .unwrap()
        .close()
        .await;
}
