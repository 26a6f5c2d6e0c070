//! `kavka topics`: list, describe, create, delete.

use kavka_connector::client::protocol::TopicPartition;
use kavka_connector::client::{Client, NewTopic, OffsetSpec, TopicMetadata};
use serde_json::{Value, json};

use crate::args::{Connection, OutputFormat, TopicsAction, TopicsArguments};
use crate::failure::{Failure, chain};
use crate::output::table::TextTable;
use crate::tell::tell;

pub(crate) async fn run(arguments: TopicsArguments) -> Result<(), Failure> {
    match arguments.action {
        TopicsAction::Create { connection, topic, partitions, replication_factor, configs } => {
            let configs = configs.iter().map(|pair| config(pair)).collect::<Result<_, _>>()?;
            create(&connection, NewTopic { name: topic, partitions, replication_factor, configs })
                .await
        }
        TopicsAction::Delete { connection, topics } => delete(&connection, &topics).await,
        TopicsAction::Describe { connection, topics, output } => {
            describe(&connection, &topics, output).await
        }
        TopicsAction::List { connection, all, output } => list(&connection, all, output).await,
    }
}

async fn create(connection: &Connection, topic: NewTopic) -> Result<(), Failure> {
    let client = Client::connect(connection.required_properties()?).await?;
    for created in client.admin().create_topics(std::slice::from_ref(&topic)).await? {
        created?;
    }
    tell!("Created topic {}.", topic.name);
    Ok(())
}

async fn delete(connection: &Connection, topics: &[String]) -> Result<(), Failure> {
    let client = Client::connect(connection.required_properties()?).await?;
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut failures = Vec::new();
    for (topic, deleted) in topics.iter().zip(client.admin().delete_topics(&names).await?) {
        match deleted {
            Ok(()) => tell!("Deleted topic {topic}."),
            Err(error) => failures.push(chain(&error)),
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::failed(failures.join("\nerror: "))) }
}

async fn list(connection: &Connection, all: bool, output: OutputFormat) -> Result<(), Failure> {
    let client = Client::connect(connection.required_properties()?).await?;
    let mut topics = client.admin().list_topics().await?;
    topics.retain(|topic| all || !topic.is_internal);
    let mut table = TextTable::new(&["topic", "partitions", "replicas"]);
    for topic in &topics {
        let replicas = topic.partitions.first().map_or(0, |partition| partition.replicas.len());
        table.push([json!(&*topic.name), json!(topic.partitions.len()), json!(replicas)]);
    }
    Ok(table.print(output)?)
}

async fn describe(
    connection: &Connection,
    topics: &[String],
    output: OutputFormat,
) -> Result<(), Failure> {
    let client = Client::connect(connection.required_properties()?).await?;
    let header = [
        "topic",
        "partition",
        "leader",
        "epoch",
        "replicas",
        "in sync",
        "first offset",
        "end offset",
    ];
    let mut table = TextTable::new(&header);
    for topic in topics {
        describe_topic(&client, &client.topic(topic).await?, &mut table).await?;
    }
    Ok(table.print(output)?)
}

async fn describe_topic(
    client: &Client,
    topic: &TopicMetadata,
    table: &mut TextTable,
) -> Result<(), Failure> {
    let with_leader = topic.partitions.iter().filter(|partition| partition.leader.is_some());
    let specs: Vec<(TopicPartition, OffsetSpec)> = with_leader
        .map(|partition| TopicPartition::new(topic.name.clone(), partition.partition))
        .flat_map(|tp| [(tp.clone(), OffsetSpec::Earliest), (tp, OffsetSpec::Latest)])
        .collect();
    let offsets = client.list_offsets(&specs).await?;
    let mut offsets = offsets.iter().map(|listed| listed.offset);
    for partition in &topic.partitions {
        let (first, end) = match partition.leader {
            Some(_) => (offsets.next().flatten(), offsets.next().flatten()),
            None => (None, None),
        };
        table.push([
            json!(&*topic.name),
            json!(partition.partition),
            partition.leader.map_or(Value::Null, |leader| json!(leader.0)),
            partition.leader_epoch.map_or(Value::Null, |epoch| json!(epoch.0)),
            partition.replicas.iter().map(|broker| broker.0).collect(),
            partition.isr.iter().map(|broker| broker.0).collect(),
            json!(first),
            json!(end),
        ]);
    }
    Ok(())
}

fn config(pair: &str) -> Result<(String, String), Failure> {
    let (name, value) = pair.split_once('=').ok_or_else(|| {
        Failure::usage(format!(
            "--topic-config {pair}: expected NAME=VALUE, for example cleanup.policy=compact"
        ))
    })?;
    Ok((name.to_owned(), value.to_owned()))
}
