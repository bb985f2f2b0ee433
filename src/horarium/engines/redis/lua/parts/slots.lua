-- Slots and unique keys. A message that has either bears the flag 8, and its JSON is kept in three parts, each but the last one
-- ended by a line feed, which JSON never holds otherwise: what it keeps when a newer one takes its place; queue, priority,
-- task, expires, slot and unique; the rest.
-- `sl:KEY` is the set of ids in hand of a slot's key. Those that stand aside for it are in sorted sets by priority and due, one
-- for each queue and task, of which `asides:KEY` knows the names. `uniq` says of each unique key "UNTIL;ID" of its holder.
local SPECIAL = 8
local RANK = 2 ^ 43  -- milliseconds: more than any due instant of this age

local function particulars(stored)
  local kept, middle, rest = string.match(stored or '', '^([^\n]*)\n([^\n]*)\n(.*)$')
  if not kept then return nil end
  local is_json, read = pcall(cjson.decode, '{' .. string.sub(middle, 2) .. '}')
  if not is_json or type(read) ~= 'table' or not read.queue or not read.task or not read.priority then return nil end
  read.line, read.kept, read.rest = read.priority .. ':' .. read.task, kept, rest
  return read
end

local function group_of(queue, task)
  return #queue .. ':' .. queue .. ':' .. task
end

local function aside_key(slot, group)
  return K .. 'aside:' .. #slot .. ':' .. slot .. ':' .. group
end

local function step_aside(id, slot, queue, task, priority, due, member)
  local group = group_of(queue, task)
  redis.call('ZADD', aside_key(slot, group), string.format('%.0f', due - priority * RANK), member)
  redis.call('SADD', K .. 'asides:' .. slot, group)
  block(id, string.sub(member, 1, 14), queue, 'aside')
end

local function leave_aside(slot, queue, task, member)
  local group = group_of(queue, task)
  redis.call('ZREM', aside_key(slot, group), member)
  if redis.call('EXISTS', aside_key(slot, group)) == 0 then redis.call('SREM', K .. 'asides:' .. slot, group) end
end

-- Let the first one of a group that stands aside back into its line; false if there is none.
local function call_back(slot, group, now)
  local member = redis.call('ZRANGE', aside_key(slot, group), 0, 0)[1]
  if not member then
    redis.call('SREM', K .. 'asides:' .. slot, group)
    return false
  end
  local id = string.sub(member, 16)
  local stored = redis.call('HGET', K .. 'msg', id)
  local read, due = particulars(stored), string.match(stored or '', '^%d+;(%-?%d+);')
  redis.call('ZREM', aside_key(slot, group), member)
  if not read or not due or why_of(id) ~= 'aside' then return call_back(slot, group, now) end
  unblock(id)
  line_up(read.queue, read.line, {due, member})
  if tonumber(due) <= tonumber(now) then wake(read.queue, read.task, 1) end
  return true
end

local function free_slot(slot, now)
  for _, group in ipairs(redis.call('SMEMBERS', K .. 'asides:' .. slot)) do
    call_back(slot, group, now)
    if redis.call('EXISTS', aside_key(slot, group)) == 0 then redis.call('SREM', K .. 'asides:' .. slot, group) end
  end
end

local function leave_slot(slot, id, now)
  redis.call('SREM', K .. 'sl:' .. slot, id)
  free_slot(slot, now)
end

-- How many of a key are in hand. One whose record says otherwise was moved behind our back, and holds up nobody.
local function in_slot(slot, size)
  local key = K .. 'sl:' .. slot
  local count = redis.call('SCARD', key)
  if count < size then return count end
  local ids = redis.call('SMEMBERS', key)
  for i, record in ipairs(fetched(K .. 'rec', ids)) do
    if string.sub(record or '', 1, 3) == '[2,' or string.sub(record or '', 1, 3) == '[0,' then
      redis.call('SREM', key, ids[i])
      count = count - 1
    end
  end
  return count
end

local function holder_of(key, now)
  local till, id = string.match(redis.call('HGET', K .. 'uniq', key) or '', '^(%-?%d*);(.*)$')
  if not id or (till ~= '' and tonumber(till) <= tonumber(now)) then return nil end
  local is_over = string.sub(redis.call('HGET', K .. 'rec', id) or '', 1, 3) == '[2,'
  return not is_over and redis.call('HEXISTS', K .. 'msg', id) == 1 and id or nil
end

local function hold(key, id, lasts, now)
  local till = lasts == '' and '' or string.format('%.0f', now + lasts)
  redis.call('HSET', K .. 'uniq', key, till .. ';' .. id)
end

local function let_go(key, id)
  local _, holder = string.match(redis.call('HGET', K .. 'uniq', key) or '', '^(%-?%d*);(.*)$')
  if holder == id then redis.call('HDEL', K .. 'uniq', key) end
end

-- Of messages that have ended in somebody's hands: free their slots and unique keys.
local function free_special(ids, now)
  for i, stored in ipairs(fetched(K .. 'msg', ids)) do
    local read = particulars(stored)
    if read and read.unique then let_go(read.unique.key, ids[i]) end
    if read and read.slot then leave_slot(read.slot.key, ids[i], now) end
  end
end
