// The assertions of aegir, with the plug-ins that it adds.
import * as chai from 'chai'
import chaiAsPromised from 'chai-as-promised'
import chaiBites from 'chai-bites'
import chaiParentheses from 'chai-parentheses'
import chaiString from 'chai-string'
import chaiSubset from 'chai-subset'

for (const plugin of [chaiAsPromised, chaiBites, chaiParentheses, chaiString, chaiSubset]) chai.use(plugin)

export const { assert, expect } = chai
