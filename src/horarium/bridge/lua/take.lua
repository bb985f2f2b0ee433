-- Take messages from the lists of one queue of kombu's, first list first, into the bridge's hold.
-- Parameters: KEYS the lists of the queue by priority, then the hold; ARGV how many at the most
-- Result: the messages as they stood there
-- State: in the queue -> in the hold, where they stay until they are stored and removed from it
-- Safe: a script runs alone: at no moment is a message in neither list, whoever dies
local taken, hold, left = {}, KEYS[#KEYS], tonumber(ARGV[1])
for place = 1, #KEYS - 1 do
  while left > 0 do
    local raw = redis.call('LMOVE', KEYS[place], hold, 'RIGHT', 'LEFT')
    if not raw then break end
    taken[#taken + 1] = raw
    left = left - 1
  end
end
return taken
