//! Sending several statements at once on one connection: each is sent when its future is first asked, so that they
//! are asked in order, and then awaited together.

use std::pin::Pin;
use std::task::Poll;

/// One statement under way.
pub(crate) type Sent<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends all in order and gives the answers in the same order.
pub(crate) async fn all<T>(statements: Vec<Sent<'_, T>>) -> Vec<T> {
    let mut under_way: Vec<(Sent<'_, T>, Option<T>)> =
        statements.into_iter().map(|s| (s, None)).collect();
    std::future::poll_fn(|cx| {
        let mut waiting = false;
        for (statement, answer) in &mut under_way {
            if answer.is_none() {
                match statement.as_mut().poll(cx) {
                    Poll::Ready(a) => *answer = Some(a),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    under_way.into_iter().filter_map(|(_, a)| a).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_in_the_order_asked() {
        let statements: Vec<Sent<'_, u64>> = (0..100_u64)
            .map(|n| {
                Box::pin(async move {
                    for _ in 0..(100 - n) {
                        tokio::task::yield_now().await;
                    }
                    n
                }) as Sent<'_, u64>
            })
            .collect();
        assert_eq!(all(statements).await, (0..100).collect::<Vec<u64>>());
    }
}
