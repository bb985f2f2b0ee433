"""The Redis engine: many hosts, one server (Redis >= 6.2 or Valkey), one namespace.

All keys begin with ``{namespace}:`` and so lie in one slot of a cluster:

    msg           hash    id -> turn;due;put;message           rec      hash  id -> record, see rows.py
    q:QUEUE       set     slots (priority:task) of a queue     queues   set   queues that have slots
    l:LEN:QUEUE:SLOT      sorted set, a line: place by due     turn     the last turn given out
    exp           sorted set: waiting ids by expires           age      sorted set: all ids by created
    end, endk     sorted sets: ended ids by when they ended, or by when their own keep is over
    i:KIND:NAME   sorted sets: ids by created; kinds s (ended, but not in success), h (schedule), p (parent), r (root)
    n, h          hashes: runs by state (PENDING is the rest), messages in hand by queue and task
    block         hash id -> WHY;QUEUE of what waits and stands in no line (see lua/parts/blocks.lua)
    blocked, bn   sorted set: these ids by turn; hash: how many by queue
    g:ID          hash of what has arrived at a gate: id -> PLACE;VALUE
    turned, doom  set: gates that are ripe or doomed and not carried out; hash: by whom they are doomed
    sl:KEY        set: ids in hand of a slot's key (see lua/parts/slots.lua)
    asides:KEY, aside:LEN:KEY:LEN:QUEUE:TASK    set of the groups that stand aside for it; sorted sets: places by rank
    uniq          hash: unique key -> UNTIL;ID of its holder
    buckets, full    rates: hash bucket -> LEFT;AT; sorted set: when each is full again, and forgotten
    own:OWNER, term:OWNER    sets: ids in its hands, ids that it is to end
    names, members, seen     hashes by owner               leases, graves   sorted sets: owners alive, given up
    owing         set: owners given up that still hold something             last   hash: what an owner claimed last
    known:DIGEST, ears:QUEUE, ear:LEN:QUEUE:DIGEST    sets: tasks; digests of idle children; their channels
    sch, schx, schk, schn, due    schedules: records, states, tokens of the last save, names in order, due instants
    fires         sorted set: firings by their nominal instant       said:TOKEN    what a firing answered, for a while
    sent, a:SCHEDULE    hash id -> nominal;schedule of what a schedule has sent and has not ended; sets of these ids
    schc          sorted set: names of code's, in order; the empty one says that all are there
    scht          sorted set: names of a framework's tables, in order
    notes, noten, notex    hash of notes by key; sorted sets: keys in order, keys by expires
    journal       stream of the newest entries, NUMBER-0
    tallies:WIDTH, readings:WIDTH    sorted sets: beginnings of the buckets that there are
    tallies:WIDTH:AT, readings:WIDTH:AT    hashes, a bucket: [task, queue] -> sums; queue -> READY CLAIMED OLDEST
    t:TOPIC, e:CHANNEL            channels
"""

from horarium.engines.redis.engine import RedisEngine

__all__ = ["RedisEngine"]
