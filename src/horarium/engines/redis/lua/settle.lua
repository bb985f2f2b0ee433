-- Record plain successes at the first attempt; whatever is not just that is left untouched, for commit.lua.
-- Parameters: KEYS[1] the namespace; ARGV now, number; of each: id, owner, the record's beginning if it is in the
--   owner's hands under the fence, worker (JSON, or '': as it was), tail (JSON of rows.Tail), instant of forgetting
--   (or '': the policy's), number of follow-ups, joins ('', or "PLACE;ID" of the only gate, or "*" and a
--   msgpack list of {place, id}), the value for those (JSON, or ''); then all the follow-ups as parts/put.lua wants them
-- Result: {for each 1 (recorded) or 0 (untouched), the gates that have turned: see told_of in parts/blocks.lua}
-- State: in hand, RECEIVED, without a history -> ended, SUCCESS; its follow-ups are put, its schedule is told, it has arrived
--   at the gates of its joins
-- Safe: a script runs alone; sent twice, the second finds the records ended
local K, now, count = KEYS[1], ARGV[1], tonumber(ARGV[2])
local FIELDS = 9
--#include calls lines blocks slots schedules sent put
local ids = {}
for i = 1, count do ids[i] = ARGV[3 + (i - 1) * FIELDS] end
local records = fetched(K .. 'rec', ids)
local told, written, owners, ends, kept, queues, puts, indexed = {}, {}, {}, {}, {}, {}, {}, {}
local recorded, follow_up, special, joined = 0, 3 + count * FIELDS, {}, {}
for i, id in ipairs(ids) do
  local at = 3 + (i - 1) * FIELDS
  local beginning, record, number = ARGV[at + 2], records[i] or '', tonumber(ARGV[at + 6])
  local attempt, worker, flags, queue
  if string.sub(record, 1, #beginning) == beginning then
    attempt, worker, flags, queue = string.match(string.sub(record, #beginning + 1),
      '^(%-?%d+),0,%-?%d+,(".-"),"RECEIVED",null,(%d+),(.*),{}%]$')
  end
  told[i] = attempt and 1 or 0
  if attempt then
    recorded = recorded + 1
    written[#written + 1] = id
    written[#written + 1] = table.concat({'[2', string.match(beginning, '^%[1,(%d+)'), '""', attempt, 0, now,
      ARGV[at + 3] ~= '' and ARGV[at + 3] or worker, '"SUCCESS"', 'null', flags, '""', ARGV[at + 4] .. ']'}, ',')
    local owner = ARGV[at + 1]
    owners[owner] = owners[owner] or {}
    table.insert(owners[owner], id)
    local list, mark = ends, '-'
    flags = tonumber(flags)
    if flags >= SPECIAL then special[#special + 1] = id end
    if flags % 4 >= 2 then
      mark, indexed[#indexed + 1] = '+', id  -- a schedule may have sent it
    end
    if ARGV[at + 5] ~= '' then list = kept end
    list[#list + 1], list[#list + 2] = ARGV[at + 5] ~= '' and ARGV[at + 5] or now, mark .. id
    queues[queue] = (queues[queue] or 0) + 1
    add_places(puts, follow_up, number)
    if ARGV[at + 7] ~= '' then joined[#joined + 1] = at end
  end
  follow_up = follow_up + number * STRIDE
end
if recorded == 0 then return {told, {}} end
begin_without_memory()
chunked('HSET', K .. 'rec', written)
chunked('ZADD', K .. 'end', ends)
chunked('ZADD', K .. 'endk', kept)
for owner, list in pairs(owners) do chunked('SREM', K .. 'own:' .. owner, list) end
for queue, number in pairs(queues) do tally(K .. 'h', queue, -number) end
redis.call('HINCRBY', K .. 'n', 'RECEIVED', -recorded)
redis.call('HINCRBY', K .. 'n', 'SUCCESS', recorded)
if #special > 0 then free_special(special, now) end
end_runs(indexed, 'succeeded', now)
put(puts, now)
for _, at in ipairs(joined) do
  local id, joins, value = ARGV[at], ARGV[at + 7], ARGV[at + 8]
  local place, gate = string.match(joins, '^(%-?%d+);(.*)$')
  if place then
    arrive(id, value, gate, place)
  else
    for _, join in ipairs(cmsgpack.unpack(string.sub(joins, 2))) do arrive(id, value, join[2], join[1]) end
  end
end
let_in()
write_states()
redis.call('PUBLISH', K .. 't:results', '1')
return {told, #turned > 0 and told_of(turned) or {}}
