// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title Sets of windows as bits, 256 a word
library WindowSets {
    struct Set {
        mapping(uint256 word => uint256) words;
    }

    /// @notice Adds a window. @return added False if it was a member before.
    function add(Set storage set, uint256 window) internal returns (bool added) {
        uint256 word = set.words[window >> 8];
        uint256 bit = 1 << (window & 0xff);
        if (word & bit != 0) return false;
        set.words[window >> 8] = word | bit;
        return true;
    }

    /// @notice True if the window is a member.
    function has(Set storage set, uint256 window) internal view returns (bool) {
        return set.words[window >> 8] & (1 << (window & 0xff)) != 0;
    }

    /// @notice Members from `from` on, before `to`.
    function count(Set storage set, uint256 from, uint256 to) internal view returns (uint256 members) {
        for (uint256 place = from; place < to; place = ((place >> 8) + 1) << 8) {
            members += ones(set.words[place >> 8] & mask(place, to));
        }
    }

    /// @notice The first member of `set` from `from` on that `other` lacks; `to` if there is none before it.
    function firstWithout(Set storage set, Set storage other, uint256 from, uint256 to)
        internal
        view
        returns (uint256)
    {
        for (uint256 place = from; place < to; place = ((place >> 8) + 1) << 8) {
            uint256 left = set.words[place >> 8] & ~other.words[place >> 8] & mask(place, to);
            if (left != 0) return ((place >> 8) << 8) + ones((left & (~left + 1)) - 1);
        }
        return to;
    }

    /// @dev The bits of `place`'s word from `place` on, before `to`.
    function mask(uint256 place, uint256 to) private pure returns (uint256 bits) {
        unchecked {
            bits = type(uint256).max << (place & 0xff);
            uint256 end = ((place >> 8) + 1) << 8;
            if (to < end) bits &= (1 << (to & 0xff)) - 1;
        }
    }

    /// @dev Number of bits set, counted in ever wider fields (Hacker's Delight, 5-1).
    function ones(uint256 x) internal pure returns (uint256) {
        if (x == type(uint256).max) return 256;
        unchecked {
            x -= (x >> 1) & 0x5555555555555555555555555555555555555555555555555555555555555555;
            x = (x & 0x3333333333333333333333333333333333333333333333333333333333333333)
                + ((x >> 2) & 0x3333333333333333333333333333333333333333333333333333333333333333);
            x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            // The product's highest byte is the sum of all bytes, but 256 does not fit into it.
            return (x * 0x0101010101010101010101010101010101010101010101010101010101010101) >> 248;
        }
    }
}
