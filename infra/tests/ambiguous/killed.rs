//! A server that dies between commit and answer.

use sqlx::Executor;
use traveladvisor_infra::testing::{OwnServer, kill_process};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ended_by_an_operator_between_commit_and_answer_is_asked_again() {
    let database = TestDatabase::create(SCHEMA).await;
    let lab = Lab::before(&database.options).await;
    let wanted = busy(1);
    let struck = lab.proxy.arm(Fault::new(Step::AnswerUnsent, Fate::UntilServerEnds));
    let ending = async {
        let pid = struck.wait().await.server_pid.cast_signed();
        let ended = sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&database.pool).await;
        ended.expect("ended");
    };
    let (answer, ()) = tokio::join!(answered(lab.log.append(&wanted)), ending);
    lab.assert_once(&wanted, first_of(&answer)).await;
    assert_eq!(lab.all().await.len(), wanted.events.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_between_commit_and_answer_has_kept_what_it_committed() {
    let server = OwnServer::start().await;
    let options = server.connect_options();
    pool(options.clone()).execute(SCHEMA).await.expect("the schema");
    let lab = Lab::before(&options).await;
    let mut number = 0;
    for step in [Step::AnswerUnsent, Step::RequestWhole] {
        for whole_server in [false, true] {
            number += 1;
            let wanted = busy(number);
            let struck = lab.proxy.arm(Fault::new(step, Fate::UntilServerEnds).shutting());
            let asked = tokio::spawn({
                let (log, wanted) = (lab.log.clone(), wanted.clone());
                async move { log.append(&wanted).await }
            });
            let strike = struck.wait().await;
            if whole_server {
                server.kill();
                server.start_again().await;
            } else {
                // The server ends every other connection as well, and recovers.
                kill_process(strike.server_pid);
            }
            if step == Step::AnswerUnsent {
                lab.others_go_on(&[stream(number * 10 + 1)]).await;
                let story = at_last(|| lab.direct.read_stream(stream(number * 10 + 1), 0)).await;
                assert_eq!(story.len(), 2, "what was committed is there before it is asked for again");
            }
            lab.proxy.open();
            let answer = answered(async { asked.await.expect("not broken off") }).await;
            lab.assert_once(&wanted, first_of(&answer)).await;
        }
    }
}
