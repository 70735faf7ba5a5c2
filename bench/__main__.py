"""Run benches by name, or all of them: ``python -m bench [NAME ...]``."""

import sys
from importlib import import_module

_BENCHES = {
    "log_latency": "from a commit to the handler of a follower",
    "group_commit": "writes committed together against one by one",
    "http_stack": "Litestar, Starlette and bare applications on Granian and uvicorn",
    "start_up": "until the console answers and until the le-mans story is healthy",
    "at_rest": "what the platform takes while nothing is asked of it",
    "static_deploy": "a static site of 500 files",
    "deploys_under_load": "requests lost during 50 deploys",
    "accelerator.hit": "a stored page over HTTPS against nginx, Varnish and bare C",
    "accelerator.replay": "a municipal day against nginx's cache and Varnish with tags",
    "accelerator.filler": "pages stored in a second of one core",
    "accelerator.sites_memory": "what sites add to nginx",
    "accelerator.density": "sites in one gigabyte, most of them at rest",
    "accelerator.wake": "how long the visitor waits who wakes a site",
    "capacity.packing": "hosts needed, against greedy rules, solvers and Ganeti",
    "capacity.rebalancing": "the machine reassignment challenge, against its winner",
    "capacity.planning": "two sites and a spare host in each, against the lower bound",
    "ledger.metering": "what recording each minute of each application takes",
    "exchange.writing": "entities created, patched and upserted, durable, per core",
    "exchange.notifying": "notifications that arrive, the sender killed meanwhile",
    "exchange.mqtt": "a message of a sensor, from the socket to the commit",
    "exchange.enduring": "memory over ten minutes of measures of 200,000 entities",
    "exchange.asking": "entities found among a million, by type, q and place",
    "exchange.surveying": "what looking at a million entities for their quality takes",
    "ledger.rating": "a month of 500 applications, summed, rated and stated",
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in _BENCHES]
    if unknown:
        listed = "\n".join(f"  {name:<24} {purpose}" for name, purpose in _BENCHES.items())
        print(f"There is no bench {', '.join(unknown)}. Choose among:\n{listed}")
        return 2
    for name in names or _BENCHES:
        import_module(f"bench.{name}").measure()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
