use axum::Router;
use tokio::net::TcpListener;

/// Serves on a port of its own. Answers the address, such as `http://127.0.0.1:40000`.
pub async fn serve(router: Router) -> String {
    let (listener, url) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A port of its own and its address, for a server that has to know it or that speaks no HTTP.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    (listener, format!("http://{address}"))
}
