//! The command line of a stand-in: which gateway it is, and where.

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use gateways::hooks::{Endpoint, Hooks};
use gateways::{paypal, stripe};

/// Answers as a payment gateway does
#[derive(Parser)]
#[command(name = "gateway-stand-in")]
struct Cli {
    #[command(subcommand)]
    gateway: Gateway,
    /// Where it listens
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:0", global = true)]
    listen: SocketAddr,
    /// Where it sends its webhooks; else it sends none
    #[arg(long, env = "WEBHOOK_URL", global = true)]
    webhook_url: Option<String>,
}

#[derive(Subcommand)]
enum Gateway {
    /// Stripe
    Stripe {
        /// The secret key that callers have
        #[arg(long, default_value = "sk_test_stand_in")]
        secret_key: String,
        /// What webhooks are signed with
        #[arg(long, default_value = "whsec_stand_in")]
        webhook_secret: String,
    },
    /// PayPal
    Paypal {
        /// Who callers are
        #[arg(long, default_value = "stand-in-client")]
        client_id: String,
        /// And what only they know
        #[arg(long, default_value = "stand-in-secret")]
        client_secret: String,
        /// The id of the webhook
        #[arg(long, default_value = "stand-in-webhook")]
        webhook_id: String,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Cli { gateway, listen, webhook_url } = Cli::parse();
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let base = format!("http://{address}");
    let endpoint = webhook_url.map(Endpoint::to).transpose()?;
    let router = match gateway {
        Gateway::Stripe { secret_key, webhook_secret } => {
            let sign = stripe::signature(webhook_secret);
            stripe::router(secret_key, base, Hooks::new(endpoint, sign))
        }
        Gateway::Paypal { client_id, client_secret, webhook_id } => {
            let sign = paypal::signature(webhook_id.clone());
            let hooks = Hooks::new(endpoint, sign);
            paypal::router(paypal::Merchant { client_id, client_secret, webhook_id }, base, hooks)
        }
    };
    eprintln!("listening on {address}");
    axum::serve(listener, router).await?;
    Ok(())
}
