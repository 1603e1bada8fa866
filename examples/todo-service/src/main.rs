//! Runs the Todo service alone: `cargo run -p todo-service [TOKEN]`.

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let token = std::env::args().nth(1);
    let running = todo_service::Service::new(token.as_deref()).start().await?;
    println!("REST {}\ngRPC {}", running.rest_url(), running.url());
    tokio::signal::ctrl_c().await
}
