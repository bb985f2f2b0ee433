-- Store the messages that begin at these arguments, ten each: id, queue, priority, task, due ('' for now), expires (or
-- ''), created, indexes (msgpack list of names, or ''), nominal (or ''), message (JSON). Returns 1 for each that is new,
-- else 0. A message is kept as "turn;due;put;JSON".
local STRIDE = 10

-- Add the places of so many messages to a list.
local function add_places(places, from, count)
  for i = 0, count - 1 do places[#places + 1] = from + i * STRIDE end
  return places
end

local function put(places, now)
  local ids, told, fresh, seen = {}, {}, {}, {}
  for i, at in ipairs(places) do ids[i] = ARGV[at] end
  local known = fetched(K .. 'msg', ids)
  for i, at in ipairs(places) do
    if known[i] or seen[ids[i]] then
      told[i] = 0
    else
      told[i], seen[ids[i]], fresh[#fresh + 1] = 1, true, at
    end
  end
  if #fresh == 0 then return told end
  local messages, ages, expiries, queues, sent, instant = {}, {}, {}, {}, {}, tonumber(now)
  local turn = redis.call('INCRBY', K .. 'turn', #fresh) - #fresh
  for _, at in ipairs(fresh) do
    turn = turn + 1
    local id, queue, task, due, expires = ARGV[at], ARGV[at + 1], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
    local created, indexes, flags, place = ARGV[at + 6], ARGV[at + 7], 0, string.format('%014d', turn)
    if due == '' then due = now end
    if expires ~= '' then
      flags = 1
      expiries[#expiries + 1], expiries[#expiries + 2] = expires, id
    end
    if indexes ~= '' then
      flags = flags + 2
      for _, name in ipairs(cmsgpack.unpack(indexes)) do
        redis.call('ZADD', K .. 'i:' .. name, created, id)
        if string.sub(name, 1, 2) == 'h:' then
          name = string.sub(name, 3)
          redis.call('SADD', K .. 'a:' .. name, id)
          sent[#sent + 1], sent[#sent + 2] = id, ARGV[at + 8] .. ';' .. name
        end
      end
    end
    messages[#messages + 1], messages[#messages + 2] = id, place .. ';' .. due .. ';' .. now .. ';' .. ARGV[at + 9]
    ages[#ages + 1], ages[#ages + 2] = created, id
    local slots = queues[queue]
    if not slots then slots = {}; queues[queue] = slots end
    local slot = ARGV[at + 2] .. ':' .. task
    local line = slots[slot]
    if not line then line = {task = task, due = 0}; slots[slot] = line end
    line[#line + 1], line[#line + 2] = due, place .. flags .. id
    if tonumber(due) <= instant then line.due = line.due + 1 end
  end
  chunked('HSET', K .. 'msg', messages)
  chunked('ZADD', K .. 'age', ages)
  chunked('ZADD', K .. 'exp', expiries)
  chunked('HSET', K .. 'sent', sent)
  for queue, slots in pairs(queues) do
    for slot, line in pairs(slots) do
      line_up(queue, slot, line)
      if line.due > 0 then wake(queue, line.task, line.due) end
    end
  end
  return told
end
